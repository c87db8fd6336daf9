"""Put the parts of an uploader together."""

from collections.abc import Awaitable, Callable

from twelvelabs_async._core.slots import Slots
from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.retry_policy import RetryPolicy
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.plan.url_book import UrlBook
from twelvelabs_async._upload.resume.checkpoint import Checkpoint
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async._upload.send.slice_body import SliceBody
from twelvelabs_async._upload.send.storage import Storage
from twelvelabs_async._upload.session_calls import SessionCalls
from twelvelabs_async._upload.source.digest import WholeDigest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.steps.acceptance import Acceptance
from twelvelabs_async._upload.steps.asset_finder import AssetFinder, AssetIdentity
from twelvelabs_async._upload.steps.batch_reporter import BatchReporter
from twelvelabs_async._upload.steps.chunk_feed import ChunkFeed
from twelvelabs_async._upload.steps.chunk_sender import ChunkSender
from twelvelabs_async._upload.steps.retrier import Retrier
from twelvelabs_async._upload.steps.settlement import Settlement
from twelvelabs_async._upload.steps.uploader import Uploader
from twelvelabs_async._upload.steps.url_supply import UrlSupply


def assemble(
    *,
    session: UploadSession,
    source: Source,
    feed: ChunkFeed,
    ledger: Ledger,
    urls: UrlBook,
    platform: SessionCalls,
    storage: Storage,
    pause: Callable[[float], Awaitable[None]],
    retry_policy: RetryPolicy,
    slots: Slots,
    max_workers: int,
    checkpoint: Checkpoint,
    check: EtagCheck,
    comparison: Comparison,
    digest: WholeDigest,
    others_have_descriptors: Callable[[], bool],
) -> Uploader:
    """Return an uploader, about to begin.

    Args:
        session: The upload session.
        source: The bytes, open until the upload has ended.
        feed: What hands out its chunks.
        ledger: Where each chunk is.
        urls: The presigned URLs in hand.
        platform: The control calls of the session.
        storage: The way to the object store.
        pause: Waits for some seconds, until the client is closed.
        retry_policy: What is tried again, and when.
        slots: The client's bound on PUTs under way.
        max_workers: PUTs of this upload under way at once.
        checkpoint: Records what is to outlive this process.
        check: What is known of the store's ETags.
        comparison: Whether what is stored is of the file as it is now.
        digest: The file's digest, under way.
        others_have_descriptors: Whether other uploads have file descriptors.
    """
    bodies = dict[int, SliceBody]()
    retrier = Retrier(
        session.upload_id,
        retry_policy,
        pause,
        lambda: bool(bodies) or others_have_descriptors(),
    )
    supply = UrlSupply(urls, ledger, platform, retrier, bodies.keys(), max_workers)
    sender = ChunkSender(
        session,
        source,
        ledger,
        storage,
        supply,
        retrier,
        Slots(max_workers, early=slots.early),
        slots,
        Acceptance(ledger, check, comparison),
        bodies,
    )
    asset = AssetIdentity(session, ledger)
    return Uploader(
        session,
        source,
        ledger,
        # with early slots, as many workers again wait for answers
        2 * max_workers if slots.early else max_workers,
        digest,
        feed,
        supply,
        sender,
        BatchReporter(ledger, platform, checkpoint, comparison, digest, retrier, asset),
        Settlement(session.upload_id, ledger, platform, checkpoint, retrier),
        AssetFinder(asset, ledger, platform, pause),
    )

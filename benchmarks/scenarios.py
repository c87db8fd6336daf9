"""What is measured: scenarios by name, each a list of trials that are run in turn."""

from collections.abc import Callable, Iterable
from itertools import product

from attrs import frozen

from benchmarks.trials import CLIENTS, GIB, MIB, Script, Trial, Upload

KIB = 2**10
DIRECT_BYTES = 200_000_000
"""The largest file that the platform takes in one request."""
BESIDE_BYTES = 256 * MIB
"""The file beside slow streams."""


@frozen
class Scale:
    """How much is measured.

    Attributes:
        name: ``full``, or ``quick`` to see that everything works.
        size: Bytes of the one file.
        huge: Bytes of the sparse file for memory.
        bulk: How many files there are in bulk.
        most_files: How far the curve over files goes.
        most_chunks: How far the curve over chunks goes.
        rounds: How often each trial is run.
    """

    name: str
    size: int
    huge: int
    bulk: int
    most_files: int
    most_chunks: int
    rounds: int


FULL = Scale("full", GIB, 10 * GIB, 1000, 5000, 10_000, 5)
QUICK = Scale("quick", GIB // 4, GIB, 100, 100, 1000, 2)

ASSETS = ("ours", "official async")
EVERYBODY = [client for client in CLIENTS if "," not in client]


def single(scale: Scale) -> Iterable[Trial]:
    """One file, TLS, chunks of 16 MiB, 5 workers: everybody."""
    case = "16 MiB x 5"
    return [Upload(case=case, client=client, size=scale.size) for client in EVERYBODY]


def grid(scale: Scale) -> Iterable[Trial]:
    """Chunk sizes and workers."""
    return [
        Upload(
            case=f"{chunk} MiB x {workers}",
            client=client,
            size=scale.size,
            chunk_size=chunk * MIB,
            workers=workers,
        )
        for chunk, workers in product((5, 16, 64), (5, 16))
        for client in ("limit", *ASSETS)
    ]


def latency(scale: Scale) -> Iterable[Trial]:
    """50 ms before each answer."""
    clients = ("limit", "ours, early slots", *ASSETS, "official sync", "boto3 tuned")
    return [Upload(case="50 ms", client=c, size=scale.size, latency_ms=50) for c in clients]


def cold(scale: Scale) -> Iterable[Trial]:
    """A file that is not in the page cache: the disk takes part."""
    clients = ("limit", *ASSETS, "boto3 tuned")
    return [Upload(case="16 MiB x 5", client=c, size=scale.size, cold=True) for c in clients]


def capped(scale: Scale) -> Iterable[Trial]:
    """Links of 40 MB/s each: whoever is slower than the limit wastes the network."""
    return [
        Upload(case="40 MB/s", client=client, size=scale.size, cap=40e6)
        for client in ("limit", "ours")
    ]


def bulk(scale: Scale) -> Iterable[Trial]:
    """Many files of 1 MiB: ours all at once, the official SDK so and with 16 at once."""
    clients = (*ASSETS, "official async, all at once", "official sync")
    case = f"{scale.bulk} files"
    return [Upload(case=case, client=c, size=MIB, count=scale.bulk) for c in clients]


def direct(scale: Scale) -> Iterable[Trial]:
    """A file in one request (``assets.create``), whole and after two attempts that were cut."""
    size = min(scale.size, DIRECT_BYTES)
    return [
        Upload(case="whole", client="ours", size=size),
        Upload(case="whole", client="ours, direct", size=size),
        Upload(case="two attempts cut", client="ours, direct", size=size, cuts=2),
    ]


def journal(scale: Scale) -> Iterable[Trial]:
    """What a journal costs: chunks of 5 MiB, each noted and synced before it is reported."""
    return [
        Upload(case="5 MiB x 5", client=client, size=scale.size, chunk_size=5 * MIB)
        for client in ("ours", "ours, with a journal")
    ]


def verify(scale: Scale) -> Iterable[Trial]:
    """What comparing each chunk's MD5 with its ETag costs; the file is one hole."""
    return [
        Upload(case="16 MiB x 5", client=client, size=scale.size, sparse=True)
        for client in ("ours", "ours, verifying")
    ]


def stream(scale: Scale) -> Iterable[Trial]:
    """A stream from memory, cut into chunks in memory, beside a file of the same size."""
    return [
        Upload(case=f"{chunk} MiB x 5", client=client, size=scale.size, chunk_size=chunk * MIB)
        for chunk in (5, 16)
        for client in ("ours", "ours, a stream")
    ]


def beside(scale: Scale) -> Iterable[Trial]:
    """A file alone, and beside 20 slow streams of the same client; links without and with a cap."""
    size = min(scale.size, BESIDE_BYTES)
    return [
        Upload(case=case, client=client, size=size, cap=cap)
        for case, cap in (("16 MiB x 5", 0), ("40 MB/s", 40e6))
        for client in ("ours, alone", "ours, beside streams")
    ]


def memory(scale: Scale) -> Iterable[Trial]:
    """A file larger than most memories: only the number of connections may count."""
    shapes = ((16, 5), (64, 5), (16, 16))
    return [
        Upload(
            case=f"{chunk} MiB x {workers}",
            client="ours",
            size=scale.huge,
            sparse=True,
            chunk_size=chunk * MIB,
            workers=workers,
        )
        for chunk, workers in shapes
    ]


def loops(scale: Scale) -> Iterable[Trial]:
    """The event loops, over TLS and plain HTTP."""
    return [
        Upload(case="TLS" if tls else "plain", client=client, size=scale.size, tls=tls)
        for tls in (True, False)
        for client in ("limit", "ours", "ours on uvloop")
    ]


def core(scale: Scale) -> Iterable[Trial]:
    """Ledger, URL book and uploader alone, over a platform in memory."""
    return [
        Script(f"{chunks} chunks", "core", "core", (str(chunks), "5"))
        for chunks in (10, 100, 1000, 10_000)
        if chunks <= scale.most_chunks
    ]


def scale_chunks(scale: Scale) -> Iterable[Trial]:
    """What a chunk costs, whatever the number of chunks: 64 KiB each."""
    return [
        Upload(case=f"{n} chunks", client="ours", size=n * 64 * KIB, chunk_size=64 * KIB)
        for n in (10, 100, 1000, 10_000)
        if n <= scale.most_chunks
    ]


def scale_files(scale: Scale) -> Iterable[Trial]:
    """What a file costs, whatever the number of files: 1 MiB each."""
    return [
        Upload(case=f"{n} files", client="ours", size=MIB, count=n)
        for n in (1, 10, 100, 1000, 5000)
        if n <= scale.most_files
    ]


def imports(scale: Scale) -> Iterable[Trial]:  # noqa: ARG001 - as scenarios have it
    """How long importing takes, in a fresh interpreter."""
    client = "AsyncTwelveLabs"  # ours comes only when it is asked for
    wanted = ("asyncio", "aiohttp", "twelvelabs_async", "twelvelabs")
    modules = [Script("import", module, "importing", (module,)) for module in wanted]
    names = [Script("client", module, "importing", (module, client)) for module in wanted[2:]]
    return [*modules, *names]


SCENARIOS: dict[str, Callable[[Scale], Iterable[Trial]]] = {
    scenario.__name__: scenario
    for scenario in (
        single,
        grid,
        latency,
        cold,
        capped,
        bulk,
        direct,
        journal,
        verify,
        stream,
        beside,
        memory,
        loops,
        core,
        scale_chunks,
        scale_files,
        imports,
    )
}

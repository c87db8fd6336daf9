"""The options of an upload: name, type, default, check and documentation, each in one place.

=====================  ======  ===========  ======  =======================
options of             upload  upload_file  resume  why not everywhere
=====================  ======  ===========  ======  =======================
``SendOptions``        yes     yes          yes
``AssetOptions``       yes     yes          no      the session has them
``UploadOptions``      yes     no           no      ``upload_file`` always sends chunks; it returns
                                                    as soon as the platform has them
``ResumeOptions``      no      no           yes     a journal, or an answer, has them otherwise
=====================  ======  ===========  ======  =======================

A call is one of these with what is uploaded: ``UploadCall``, ``UploadFileCall``, ``ResumeCall``.
"""

import os
from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from twelvelabs_async._core.call_options import documented, option
from twelvelabs_async._core.validation import check_flag
from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._upload.asset_name import check_filename, check_type
from twelvelabs_async._upload.option_checks import (
    check_has_acquire,
    check_id,
    check_key,
    or_none,
    own_headers,
    own_metadata,
    own_request,
    seconds,
    whole,
    word,
)
from twelvelabs_async._upload.progress import ProgressCallback, check_callback
from twelvelabs_async._upload.source.content import File
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.uploads import CreateAssetUploadRequestType, UserMetadata

IfBusy = Literal["raise", "wait"]
IfEnded = Literal["restart", "raise"]
Verify = Literal["etag"]
Digest = Literal["sha256"]

DIRECT_BYTES = 200_000_000
"""The platform takes this much in one request, and recommends chunks above (API reference)."""


@frozen(kw_only=True, eq=False)
class SendOptions:
    """How chunks are sent, whatever began the session."""

    batch_size: int = option(10, "Chunks in one report to the platform; 1 or more.", whole(1))
    max_workers: int = option(
        5,
        "Chunks of this upload under way at once; 1 or more. The client's ``max_concurrency`` "
        "bounds all uploads together.",
        whole(1),
    )
    max_retries: int = option(
        3, "Further attempts for a chunk that the store answered with a failure.", whole(0)
    )
    retry_delay: float = option(
        1.0,
        "Seconds; the longest first pause before another attempt, doubled each time.",
        seconds(zero=True),
    )
    progress_callback: ProgressCallback | None = option(
        None,
        "Called with ``UploadProgress``, sync or async: first when the session exists, then at "
        "most ten times a second, last when the upload has ended: that call is waited for, 60 "
        "seconds at most.",
        check_callback,
    )
    journal: Journal | None = option(
        None,
        "Where the attempt is written down, so that another attempt can resume it; None: the "
        "client's, if it has one.",
        or_none(check_has_acquire),
    )
    if_busy: IfBusy = option(
        "raise",
        "``raise`` an error where another call or process does the same upload, or ``wait`` for "
        "it, as long as it takes, and return what it has made; a warning in the log says for "
        "whom.",
        word(IfBusy),
    )
    verify: Verify | None = option(
        None,
        "``etag``: compare the MD5 of what was sent with the store's ETag, wherever the store's "
        "ETags are MD5s, which is learned on the way. A chunk that differs is sent again, which "
        "counts as an attempt; in the end the upload fails. Where a store has ETags of its own "
        "nothing can be verified: ``verified_chunks`` is 0 then, and a warning is logged. The "
        "MD5s also show whether a file that is touched meanwhile is still the same. None: "
        "nothing is computed.",
        or_none(word(Verify)),
    )
    digest: Digest | None = option(
        None,
        "``sha256``: compute that of the whole file as well, beside the upload; it reads the file "
        "once more, and again where its times change. None: nothing is computed.",
        or_none(word(Digest)),
    )
    request_options: RequestOptions | None = option(
        None,
        "For the calls to the platform, not for those to the object store; additional parameters "
        "for the first one only, which opens the session or creates the asset.",
        copy=own_request,
    )


@frozen(kw_only=True, eq=False)
class AssetOptions(SendOptions):
    """The asset that is made, and what an earlier attempt to make it means."""

    filename: str | None = option(
        None,
        "The name of the asset; None: the name that the file has.",
        or_none(check_filename),
    )
    file_type: CreateAssetUploadRequestType | None = option(
        None,
        "``video``, ``audio`` or ``image``; None: guessed from the name's extension.",
        or_none(check_type),
    )
    enable_hls: bool | None = option(
        None, "Whether to make an HLS stream; None: the platform's choice.", or_none(check_flag)
    )
    enable_thumbnail: bool | None = option(
        None, "Whether to make thumbnails; None: the platform's choice.", or_none(check_flag)
    )
    user_metadata: UserMetadata | None = option(
        None,
        "Your own keys and values, kept with the asset; None: none.",
        copy=own_metadata,
    )
    resume_key: str | None = option(
        None,
        "Your own name for this upload in the journal, such as a job's id: a later call with the "
        "same name returns the asset that the first one made, as long as the journal keeps the "
        "entry (a ``FileJournal`` keeps it for at least seven days after a call has used it "
        "last), as it was asked for first: name, metadata and the like are not compared. None: "
        "the upload is found by the "
        "file's content and what is asked for here (values that are equal for the platform are "
        "equal), until it is complete.",
        or_none(check_key),
    )
    resume: bool = option(
        True, "Whether to resume an earlier attempt; otherwise it is forgotten.", check_flag
    )
    if_ended: IfEnded = option(
        "restart",
        "``restart`` where the session of the earlier attempt has expired or failed, or ``raise`` "
        "an error.",
        word(IfEnded),
    )
    keep_result: bool = option(
        False,
        "Whether the journal keeps the result until ``multipart_upload.forget(result)``, or as "
        "long as it keeps the entry (a ``FileJournal`` for at least seven days after a call has "
        "used it last): the same call returns the same asset again, also where the process was "
        "killed before it could pass the asset on. Otherwise, once a file is uploaded, the same "
        "call makes another asset. Without a journal nothing is kept.",
        check_flag,
    )


@frozen(kw_only=True, eq=False)
class UploadOptions(AssetOptions):
    """Which way the bytes go, and what to wait for."""

    multipart_above: int = option(
        DIRECT_BYTES,
        "Bytes above which the content is sent in chunks; 0: always. Documents (PDF, text, "
        "Markdown) go in one request, for the platform takes no chunks of them.",
        whole(0),
    )
    size: int | None = option(
        None,
        "Bytes of a stream, which is what can be read only once, such as an iterator, a pipe or "
        "the body of a request. More than ``multipart_above`` then go in chunks, each of them in "
        "memory until the store has it; fewer are sent as without ``size``. If the stream has more "
        "or fewer bytes, the upload fails; of a file or bytes, it must be their size. None: what "
        "the stream says itself, if it has a ``size`` that is a whole number from 1 on, or is a "
        "response of ``urllib`` with a ``length``; otherwise see ``spool``.",
        or_none(whole(1)),
    )
    spool: bool = option(
        True,
        "Whether a stream that is not sent in chunks from memory is read to its end first, into "
        "memory (up to 4 MiB) or a temporary file, and then sent as a file is. False: it is sent "
        "in one request while it is read; that cannot be sent again, and fails above "
        "``multipart_above`` bytes (a document has no bound).",
        check_flag,
    )
    wait_until_ready: bool = option(
        False,
        "Whether to wait until the asset can be used, with the HLS stream and the thumbnails if "
        "they are enabled here.",
        check_flag,
    )
    ready_timeout: float | None = option(
        None, "Seconds to wait for that; None: as long as it takes.", or_none(seconds())
    )


@frozen(kw_only=True, eq=False)
class ResumeOptions(SendOptions):
    """What the caller knows of the session."""

    asset_id: str | None = option(
        None,
        "The asset, as it was named when the session was opened; None: a report will name it.",
        or_none(check_id),
    )
    upload_headers: Mapping[str, str] | None = option(
        None,
        "What the platform asked to send with each PUT; None: nothing.",
        copy=own_headers,
    )


FilePath = str | os.PathLike[str]
_FILE_PATH = (
    "The file. Its bytes must not change while it is uploaded; where its times do, what is stored "
    "is read again and compared. A relative path is of the working directory when the call begins."
)


@frozen(eq=False)
class UploadCall(UploadOptions):
    """A call of ``client.upload``."""

    source: File = field(
        repr=False,  # all bytes of it would be written out
        metadata=documented(
            "A path (str or os.PathLike), bytes, anything with ``read(size)``, sync or async, that "
            "gives bytes, such as an open file or an ``UploadFile`` of FastAPI, an iterator of "
            "bytes, sync or async, a ``RangeSource``, or a tuple ``(name, content)`` or "
            "``(name, content, content_type)``. It must not change meanwhile, as a bytearray can: "
            "no copy is made. What can be read only once, as it cannot be sought in, is a stream: "
            "see ``size`` and ``spool``."
        ),
    )


@frozen(eq=False)
class UploadFileCall(AssetOptions):
    """A call of ``multipart_upload.upload_file``."""

    file_path: FilePath = field(metadata=documented(_FILE_PATH))


@frozen(eq=False)
class ResumeCall(ResumeOptions):
    """A call of ``multipart_upload.resume``."""

    upload_id: str = field(
        metadata=documented("The session, as an ``UploadError`` names it."),
        validator=lambda _, attribute, value: check_id(attribute.name, value),
    )
    file_path: FilePath = field(metadata=documented("The file whose upload began the session."))

"""The object store's rules: which PUT is let in, and how the others are refused, in S3's words.

Pure: a request is its method, raw target and headers; ``Denied`` is an error answer. The store has
its own clock, by which a URL expires. Error codes: S3 API reference, "Error
responses" (2026-11); single use is the platform's promise, its error is assumed.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from twelvelabs_async.emulator.answers import rfc3339
from twelvelabs_async.emulator.platform import Platform
from twelvelabs_async.emulator.records import StoredAsset, Upload
from twelvelabs_async.emulator.reports import asset_path
from twelvelabs_async.emulator.signing import (
    Grant,
    SignatureMismatchError,
    Signer,
    UnsignedError,
)


class Denied(Exception):  # noqa: N818 - it is the store's answer, not a mistake of ours
    """An error answer of the store; ``details`` are further elements of its XML body."""

    def __init__(
        self, status: int, code: str, message: str, details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details: Mapping[str, str] = details or {}


def expired(grant: Grant, now: datetime) -> Denied:
    """Build the answer to a PUT whose URL has expired."""
    details = {"Expires": rfc3339(grant.expires_at), "ServerTime": rfc3339(now)}
    return Denied(403, "AccessDenied", "Request has expired", details)


def forgotten(upload_id: str) -> Denied:
    """Build the answer to a PUT for an upload that was completed, or whose asset was deleted."""
    message = "The specified upload does not exist. It may have been completed."
    return Denied(404, "NoSuchUpload", message, {"UploadId": upload_id})


def _no_skew(_grant: Grant) -> timedelta:
    return timedelta(0)


@frozen
class Store:
    """Let PUTs in, one for each URL, and find the files of assets."""

    platform: Platform
    signer: Signer
    now: Callable[[], datetime]

    def accept(
        self, target: str, headers: Mapping[str, str], skew: Callable[[Grant], timedelta] = _no_skew
    ) -> tuple[Grant, int]:
        """Let a PUT in, which spends its URL, and return what to store and its size in bytes.

        Args:
            target: The raw target of the request line, path and query.
            headers: As received; names in lower case.
            skew: How far the store's clock is off for a PUT.

        Raises:
            Denied: Nothing was spent.
        """
        if "authorization" in headers:
            message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
            raise Denied(400, "InvalidArgument", message + "or the Authorization header")
        grant = self._verified(target)
        now = self.now() + skew(grant)
        if now >= grant.expires_at:
            raise expired(grant, now)
        upload = self.platform.uploads.get(grant.upload_id)
        if upload is None:
            raise forgotten(grant.upload_id)
        _check_unspent(upload, grant)
        _check_signed_headers(upload, headers)
        size = upload.size_of(grant.chunk_index)
        _check_length(headers.get("content-length"), size)
        self.platform.spend_url(upload, grant.chunk_index)
        return grant, size

    def find_asset(self, path: str) -> StoredAsset:
        """Return the asset whose file is there whole, and is served at ``path``, raw."""
        asset_id = path.split("/")[2] if path.startswith("/assets/") else ""
        asset = self.platform.assets.get(asset_id)
        if asset is None or asset.received_at is None or path != asset_path(asset):
            details = {"Key": path.lstrip("/")}
            raise Denied(404, "NoSuchKey", "The specified key does not exist.", details)
        return asset

    def _verified(self, target: str) -> Grant:
        try:
            return self.signer.verify("PUT", target)
        except UnsignedError:
            raise Denied(403, "AccessDenied", "Access Denied") from None
        except SignatureMismatchError as error:
            raise _mismatch(error) from None


def _mismatch(error: SignatureMismatchError) -> Denied:
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method."
    )
    echo = {"StringToSign": error.string_to_sign, "SignatureProvided": error.provided}
    return Denied(403, "SignatureDoesNotMatch", message, echo)


def _check_unspent(upload: Upload, grant: Grant) -> None:
    if upload.completed:  # assumed: S3 forgets a multipart upload that was completed
        raise forgotten(upload.upload_id)
    chunk = upload.chunk(grant.chunk_index)
    if chunk.serial != grant.serial:
        raise Denied(403, "AccessDenied", "This URL was replaced by a newer one")
    if chunk.used:
        raise Denied(403, "AccessDenied", "This URL was already used")


def _check_signed_headers(upload: Upload, headers: Mapping[str, str]) -> None:
    wrong = [
        name for name, value in upload.upload_headers.items() if headers.get(name.lower()) != value
    ]
    if wrong:
        message = "There were signed headers absent from the request, or not as signed"
        raise Denied(403, "AccessDenied", message, {"HeadersNotSigned": ", ".join(wrong)})


def _check_length(given: str | None, size: int) -> None:
    if given is None:
        message = "You must provide the Content-Length HTTP header."
        raise Denied(411, "MissingContentLength", message)
    if int(given) != size:
        code = "EntityTooLarge" if int(given) > size else "EntityTooSmall"
        message = f"Your upload has {given} bytes where the chunk has exactly {size} bytes"
        raise Denied(400, code, message, {"ProposedSize": given, "ExpectedSize": str(size)})

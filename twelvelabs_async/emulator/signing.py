"""Presigned URLs: how they are made, and how they are checked, byte for byte.

The signature is an HMAC-SHA256 over the method and the raw target, exactly as it stands in the
request line. Path and query are full of spellings that a well-meaning URL asset_rules rewrites:
``%2F``, ``%7E`` beside ``~``, ``+`` beside ``%20``, ``=`` beside ``%3D``, and ``caf%C3%A9``. A
client that quotes, unquotes or sorts anything gets ``SignatureDoesNotMatch``, as from S3. The
parameter names are those of AWS Signature Version 4 (S3 API reference, "Authenticating Requests:
Using Query Parameters", 2026-11); the string that is signed is simpler than theirs.
"""

import hashlib
import hmac
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from attrs import frozen

ALGORITHM = "AWS4-HMAC-SHA256"
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
SIGNATURE = "&X-Amz-Signature="
TRICKY_PATH = "tenant%2Fcaf%C3%A9%20au~lait%7E+a=b%3D"
TRICKY_VALUE = "Upload%20Part+caf%C3%A9~%7E%2F=%3D/"


class SignatureMismatchError(Exception):
    """The target is not what was signed; carries what S3 echoes."""

    def __init__(self, string_to_sign: str, provided: str) -> None:
        super().__init__("the signature does not match the raw target")
        self.string_to_sign = string_to_sign
        self.provided = provided


class UnsignedError(Exception):
    """The target carries no signature at all."""


@frozen
class Grant:
    """What a presigned URL allows: one PUT of one chunk, until ``expires_at``."""

    upload_id: str
    chunk_index: int
    serial: int
    expires_at: datetime


@frozen
class Signer:
    """Sign and verify targets (path and query) with one secret."""

    secret: bytes

    def presign(self, grant: Grant, *, issued_at: datetime, signed_headers: Collection[str]) -> str:
        """Return the raw target of a PUT; ``issued_at`` is cut to whole seconds."""
        unsigned = _unsigned_target(grant, issued_at, signed_headers)
        return unsigned + SIGNATURE + self._sign(_string_to_sign("PUT", unsigned))

    def verify(self, method: str, target: str) -> Grant:
        """Return what the raw target allows.

        Raises:
            UnsignedError: No signature in it.
            SignatureMismatchError: Any byte, or the method, differs from what was signed.
        """
        unsigned, mark, provided = target.rpartition(SIGNATURE)
        if not mark:
            raise UnsignedError
        string_to_sign = _string_to_sign(method, unsigned)
        if not hmac.compare_digest(self._sign(string_to_sign).encode(), _raw(provided)):
            raise SignatureMismatchError(string_to_sign, provided)
        return _parse(unsigned)

    def _sign(self, string_to_sign: str) -> str:
        return hmac.new(self.secret, _raw(string_to_sign), hashlib.sha256).hexdigest()


def _raw(target: str) -> bytes:
    return target.encode("utf-8", "surrogateescape")


def _string_to_sign(method: str, unsigned: str) -> str:
    return f"{ALGORITHM}\n{method}\n{unsigned}"


def _unsigned_target(grant: Grant, issued_at: datetime, signed_headers: Collection[str]) -> str:
    issued = issued_at.astimezone(UTC).replace(microsecond=0)
    headers = "%3B".join(sorted({"host", *(name.lower() for name in signed_headers)}))
    path = f"/uploads/{TRICKY_PATH}/{grant.upload_id}/{grant.chunk_index:05d}"
    query = (
        f"X-Amz-Algorithm={ALGORITHM}",
        f"X-Amz-Credential=EMULATOR%2F{issued:%Y%m%d}%2Floopback%2Fs3%2Faws4_request",
        f"X-Amz-Date={issued.strftime(TIME_FORMAT)}",
        f"X-Amz-Expires={int((grant.expires_at - issued).total_seconds())}",
        f"X-Amz-SignedHeaders={headers}",
        f"partNumber={grant.chunk_index}",
        f"uploadId={grant.upload_id}",
        f"x-emulator-serial={grant.serial}",
        f"x-id={TRICKY_VALUE}",
    )
    return f"{path}?{'&'.join(query)}"


def _parse(unsigned: str) -> Grant:
    values = {name: each[0] for name, each in parse_qs(unsigned.partition("?")[2]).items()}
    issued = datetime.strptime(values["X-Amz-Date"], TIME_FORMAT).replace(tzinfo=UTC)
    return Grant(
        upload_id=values["uploadId"],
        chunk_index=int(values["partNumber"]),
        serial=int(values["x-emulator-serial"]),
        expires_at=issued + timedelta(seconds=int(values["X-Amz-Expires"])),
    )

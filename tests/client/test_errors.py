"""What is promised of errors: they say enough to act on, survive a pickle, and keep secrets."""

import copy
import inspect
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from twelvelabs_async import errors
from twelvelabs_async._upload.upload_error import upload_error
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    ClientClosedError,
    ConfigurationError,
    InternalServerError,
    InvalidArgumentError,
    InvalidResponseError,
    NotFoundError,
    OutcomeUnknownError,
    StorageConnectionError,
    StorageError,
    TooManyRequestsError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async.errors._api import error_class, request_id
from twelvelabs_async.models.assets import AssetDetail, AssetHls
from twelvelabs_async.models.results import UploadResult
from twelvelabs_async.models.uploads import (
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    MultipartUploadStatusType,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)

CLASSES: list[type[TwelveLabsError]] = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TwelveLabsError)
]
SIGNED = "https://store.example/chunk?X-Amz-Signature=5ecret5ecret"


class CauseError(TwelveLabsError):
    """A cause that is equal to its own copy."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CauseError) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


VALUES: dict[str, Any] = {
    "upload_headers": {"x-amz-meta-a": "b"},
    "failures": (),
    "message": "told",
    "text": "told",
    "problem": "is wrong",
    "argument": "name",
    "status_code": 404,
    "headers": {"x-request-id": "r1"},
    "body": {"code": "c", "docs_url": None},
    "original_error": CauseError("first"),
    "request": "GET /assets/a",
    "code": "c",
    "request_id": "r",
    "host_id": "h",
    "answered_by": None,
    "file": "/a.mp4",
    "upload_id": "u",
    "asset_id": "a",
    "status": "expired",
}


def an_error(kind: type[TwelveLabsError]) -> TwelveLabsError:
    """Return an error of ``kind`` with every attribute set; what is not in ``VALUES`` is 7."""
    if not inspect.isfunction(kind.__init__):
        return kind("told")
    build: Callable[..., TwelveLabsError] = kind
    return build(**{name: VALUES.get(name, 7) for name in inspect.signature(kind).parameters})


def pickled(error: Any) -> Any:
    """Return ``error`` as another process would receive it."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes


REMAKERS: list[Callable[[Any], Any]] = [pickled, copy.copy]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("remake", REMAKERS)
def test_an_error_survives_a_pickle_whole(
    kind: type[TwelveLabsError], remake: Callable[[Any], Any]
) -> None:
    """A worker in another process can report a failure: class, text and every attribute."""
    error = an_error(kind)
    error.add_note("seen twice")
    again = remake(error)
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_the_args_of_an_error_are_its_text(kind: type[TwelveLabsError]) -> None:
    """Whatever the class, so that a log or a serializer may rely on it; advice is a part of it."""
    error = an_error(kind)
    assert error.args == (str(error),)
    assert error.advised("call again").args == (str(error),)
    assert str(error).endswith("; call again")
    for remake in REMAKERS:
        assert remake(error).args == (str(error),)


@pytest.mark.parametrize("kind", [ApiConnectionError, ApiTimeoutError, ClientClosedError])
def test_an_error_without_a_text_has_an_empty_one(kind: type[TwelveLabsError]) -> None:
    """Of whoever raises one in a test."""
    assert kind().args == ("",)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_tells_when_to_come_back(kind: type[TwelveLabsError]) -> None:
    """Seconds, or None where nobody asked for a pause; it survives a pickle."""
    error = kind.__new__(kind)
    assert error.retry_after is None
    error.retry_after = 7.0
    assert pickled(error).retry_after == 7.0


def test_an_upload_error_has_the_pause_that_its_cause_asked_for() -> None:
    """Of the platform, of the store, and of a request whose outcome is unknown."""
    busy = error_class(503)(status_code=503, retry_after=9.0)
    for cause in (
        busy,
        error_class(429)(status_code=429, retry_after=9.0),
        StorageError("slow down", status_code=503, retry_after=9.0),
        OutcomeUnknownError("perhaps", busy),
    ):
        assert upload_error("a.mp4", cause).retry_after == 9.0
    assert upload_error("a.mp4", StorageError("no", status_code=503)).retry_after is None


def test_a_pickled_upload_error_keeps_its_original_error() -> None:
    """The cause under the official SDK's name travels along."""
    error = UploadError("told", original_error=an_error(StorageError), chunk_index=7)
    again = pickled(error)
    assert type(again.original_error) is StorageError
    assert vars(again.original_error) == vars(error.original_error)


def test_every_error_is_of_one_family() -> None:
    """One ``except`` is enough, and the builtin families hold where they apply."""
    assert all(issubclass(kind, TwelveLabsError) for kind in CLASSES)
    assert issubclass(InvalidArgumentError, ValueError)
    assert issubclass(ConfigurationError, InvalidArgumentError)
    assert issubclass(ApiTimeoutError, TimeoutError)
    assert issubclass(InvalidResponseError, ApiError)
    assert issubclass(StorageConnectionError, StorageError)


def test_an_api_error_says_all_that_support_will_ask() -> None:
    """Request, status, code, message and request id stand in one sentence."""
    assert str(an_error(NotFoundError)) == ("GET /assets/a answered 404 c: told (request id r1)")


def test_an_api_error_says_no_more_than_it_knows() -> None:
    """What the platform left out leaves no trace in the text."""
    assert str(ApiError(status_code=502)) == "the platform answered 502"
    error = ApiError(status_code=400, message="Key: 'X' Error: it failed")
    assert str(error) == "the platform answered 400: Key: 'X' Error: it failed"
    assert (error.code, error.request_id, error.headers, error.body) == (None, None, {}, None)


def test_a_message_reaches_the_user_whole() -> None:
    """The platform's messages carry the figures: the limit and the current value."""
    message = "figures " * 1_000
    assert message in str(ApiError(status_code=400, message=message))


@pytest.mark.parametrize("name", ["limit", "remaining", "used"])
def test_a_figure_of_a_rate_limit_is_read_where_it_can_be_one(name: str) -> None:
    """Python itself refuses thousands of digits, with a ValueError."""
    header = f"x-ratelimit-{name}"
    for text, figure in (("60", 60), ("0", 0), ("9" * 5_000, None), ("-1", None), ("1e3", None)):
        error = TooManyRequestsError(status_code=429, headers={header: text})
        assert getattr(error, name) == figure


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "x-amzn-requestid", "cf-ray"])
def test_a_request_id_is_found_under_its_usual_names(name: str) -> None:
    """Gateways call it by different names; the first that is there is taken."""
    assert request_id({"date": "today", name: "r1"}) == "r1"
    assert request_id({"date": "today"}) is None
    assert request_id({"cf-ray": "later", "x-request-id": "first"}) == "first"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (301, "ApiError"),
        (400, "BadRequestError"),
        (401, "UnauthorizedError"),
        (402, "ApiError"),
        (403, "ForbiddenError"),
        (404, "NotFoundError"),
        (408, "ApiError"),
        (409, "ConflictError"),
        (410, "GoneError"),
        (413, "ContentTooLargeError"),
        (418, "ApiError"),
        (422, "UnprocessableEntityError"),
        (429, "TooManyRequestsError"),
        (499, "ApiError"),
        (500, "InternalServerError"),
        (501, "InternalServerError"),
        (502, "BadGatewayError"),
        (503, "ServiceUnavailableError"),
        (504, "GatewayTimeoutError"),
        (599, "InternalServerError"),
    ],
)
def test_a_status_has_its_class(status: int, name: str) -> None:
    """Who must act is in the class; every 5xx is a failure of the platform."""
    kind = error_class(status)
    assert kind.__name__ == name
    assert issubclass(kind, InternalServerError) == (status >= 500)


def test_a_storage_error_says_what_the_store_said() -> None:
    """Status, code, message and the store's request id; without an answer, the message alone."""
    assert str(an_error(StorageError)) == ("the object store answered 404 c: told (request id r)")
    assert str(StorageConnectionError("nobody listens", chunk_index=2)) == "nobody listens"


@pytest.mark.parametrize(
    "value",
    [
        PresignedUrlChunk(1, SIGNED, datetime(2026, 11, 22, tzinfo=UTC)),
        CreateAssetUploadResponse(
            "u", "a", 5, 1, (PresignedUrlChunk(1, SIGNED),), {"x-amz-token": "5ecret"}
        ),
        RequestAdditionalPresignedUrLsResponse((PresignedUrlChunk(1, SIGNED),)),
        ReportChunkBatchResponse(1, url=SIGNED),
        GetUploadStatusResponse(MultipartUploadStatusType.COMPLETED, url=SIGNED),
        AssetDetail("a", url=SIGNED, hls=AssetHls(SIGNED)),
        UploadResult("a", SIGNED, "u", 10, 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_s_repr_shows_no_signature(value: object) -> None:
    """A repr ends up in logs; a presigned URL is a key to the store."""
    for shown in (repr(value), str(value), f"{value}"):
        assert "5ecret" not in shown

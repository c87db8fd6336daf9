"""The API's endpoints as functions: the values of a request in, an outcome out.

Pure: ``app.py`` puts them on sockets, and a test may call them without any. An outcome names the
work on files that is left to the caller.
"""

import json

from attrs import field, frozen

from twelvelabs_async.emulator import forms
from twelvelabs_async.emulator.asset_rules import AssetRules, Query
from twelvelabs_async.emulator.forms import NewAsset, ReceivedFile
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.platform import Json, Platform
from twelvelabs_async.emulator.records import Sound, StoredAsset
from twelvelabs_async.emulator.routing import UNKNOWN, Target


@frozen
class RequestBody:
    """The body of a request; its content type is without parameters."""

    content_type: str
    content: bytes

    def json(self) -> object:
        """Return its JSON value.

        Raises:
            Refusal: It is not JSON, or its content type is another one.
        """
        if self.content_type != "application/json":
            message = f"The content type {self.content_type} is not application/json."
            raise Refusal(400, "content_type_invalid", message)
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            message = f"The request body is not valid JSON: {error}."
            raise Refusal(400, "parameter_invalid", message) from None


@frozen
class Outcome:
    """An answer, and the work on files that it leaves to the caller.

    Attributes:
        status: The HTTP status.
        payload: JSON; a string where the platform answers raw text; None: an empty body.
        whole: An asset whose file has become whole, and whose header is still to be read.
        gone: An asset that was deleted, and whose files are to be removed.
    """

    status: int = 200
    payload: Json | str | None = None
    whole: StoredAsset | None = None
    gone: StoredAsset | None = None


def refused(refusal: Refusal) -> Outcome:
    """Return a refusal as an outcome."""
    if refusal.code is None:
        return Outcome(refusal.status, refusal.message)
    return Outcome(refusal.status, {"code": refusal.code, "message": refusal.message})


@frozen
class Endpoints:
    """The API's endpoints, behind its key."""

    api_key: str = field(repr=False)
    asset_rules: AssetRules

    @property
    def platform(self) -> Platform:
        """Return the platform behind the endpoints."""
        return self.asset_rules.platform

    def identify(self, key: str | None, at: Target, path: str) -> None:
        """Check the API key, then that there is such an endpoint.

        Raises:
            Refusal: The key is wrong, or there is no such endpoint.
        """
        if key != self.api_key:
            raise Refusal(401, "api_key_invalid", "The API key is missing or invalid.")
        if at.route == UNKNOWN.route:
            message = f"The endpoint {path} does not exist."
            raise Refusal(404, "resource_not_exist", message)

    def answer(self, at: Target, query: Query, body: RequestBody) -> Outcome:
        """Answer a request with a JSON body, or none.

        Raises:
            Refusal: Nothing was changed.
        """
        if at.asset_id is not None:
            return self._of_one_asset(at.route, at.asset_id, query, body)
        if at.route == "list_assets":
            return Outcome(payload=self.asset_rules.listed(query))
        return self._of_uploads(at.route, at.upload_id or "", query, body)

    def judged(self, asked: NewAsset, sent: ReceivedFile) -> ReceivedFile:
        """Return a new asset's file under the name and the type that it is taken for.

        Raises:
            Refusal: It is of no known type, or too large.
        """
        filename = asked.filename or sent.filename
        file_type = forms.taken_type(filename, sent.content_type)
        limit = self.asset_rules.limits.of(asked.method, file_type)
        if sent.size > limit:
            raise forms.too_large(sent.size, limit)
        return ReceivedFile(filename, file_type, sent.size)

    def created(
        self, asset_id: str, asked: NewAsset, file: ReceivedFile, sound: Sound | None
    ) -> Outcome:
        """Make an asset of a file that was judged, and is there whole."""
        return Outcome(201, self.asset_rules.admit(asset_id, asked, file, sound))

    def _of_uploads(self, route: str, upload_id: str, query: Query, body: RequestBody) -> Outcome:
        first = dict(reversed(query))
        match route:
            case "create":
                return Outcome(201, self.platform.create(body.json()))
            case "presigned_urls":
                return Outcome(payload=self.platform.presigned_urls(upload_id, body.json()))
            case "report":
                return self._reported(upload_id, body.json())
            case "status":
                return Outcome(payload=self.platform.status(upload_id, first))
            case "list":
                return Outcome(payload=self.platform.incomplete(first))
            case _:
                raise AssertionError(f"no endpoint answers the route {route}")

    def _of_one_asset(self, route: str, asset_id: str, query: Query, body: RequestBody) -> Outcome:
        match route:
            case "delete_asset":
                return Outcome(gone=self.asset_rules.delete(asset_id, query))
            case "update_metadata":
                self.asset_rules.update_metadata(asset_id, body.json())
            case "replace_metadata":
                self.asset_rules.replace_metadata(asset_id, body.json())
            case "delete_metadata":
                self.asset_rules.delete_metadata(asset_id)
            case "transcription":
                return Outcome(payload=self.asset_rules.transcription(asset_id, query))
            case "asset":
                return Outcome(payload=self.platform.asset(asset_id))
            case _:
                raise AssertionError(f"no endpoint answers the route {route}")
        return Outcome()

    def _reported(self, upload_id: str, payload: object) -> Outcome:
        answer = self.platform.report(upload_id, payload)
        asset = self.platform.find(answer["asset_id"])
        unseen = asset.received_at is not None and asset.sound is None
        return Outcome(payload=answer, whole=asset if unseen else None)

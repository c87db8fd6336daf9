"""What each endpoint answers: a request as values in, an outcome as values out.

Pure, and the whole of the API but for the ways in which bytes come: ``app.py`` puts it on sockets,
and a test may ask it without any. What is left to be done with files is named in the outcome, for
whoever has them to do.
"""

import json

from attrs import field, frozen

from twelvelabs_async.emulator import forms
from twelvelabs_async.emulator.asset_rules import AssetRules, Query
from twelvelabs_async.emulator.forms import Order, Sent
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.platform import Json, Platform
from twelvelabs_async.emulator.records import Asset, Sound
from twelvelabs_async.emulator.routing import UNKNOWN, Target


@frozen
class Body:
    """A request's body as it came; its content type is without parameters."""

    content_type: str
    content: bytes

    def json(self) -> object:
        """Return what it says.

        Raises:
            Refusal: It is no JSON, or is not called so.
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
    """An answer, and what it leaves to be done.

    Attributes:
        status: The HTTP status.
        payload: JSON; a string where the platform answers raw text; None: an empty body.
        whole: An asset whose file is there whole, but was not looked into.
        gone: An asset whose files are to be removed.
    """

    status: int = 200
    payload: Json | str | None = None
    whole: Asset | None = None
    gone: Asset | None = None


def refused(refusal: Refusal) -> Outcome:
    """Return the outcome that a refusal is."""
    if refusal.code is None:
        return Outcome(refusal.status, refusal.message)
    return Outcome(refusal.status, {"code": refusal.code, "message": refusal.message})


@frozen
class Endpoints:
    """The API's endpoints, for whoever has the key."""

    api_key: str = field(repr=False)
    library: AssetRules

    @property
    def platform(self) -> Platform:
        """Return whose endpoints these are."""
        return self.library.platform

    def identify(self, key: str | None, at: Target, path: str) -> None:
        """Let a caller in.

        Raises:
            Refusal: The key is wrong, or there is no such endpoint.
        """
        if key != self.api_key:
            raise Refusal(401, "api_key_invalid", "The API key is missing or invalid.")
        if at.route == UNKNOWN.route:
            message = f"The endpoint {path} does not exist."
            raise Refusal(404, "resource_not_exist", message)

    def answer(self, at: Target, query: Query, body: Body) -> Outcome:
        """Answer a request that takes JSON, or nothing.

        Raises:
            Refusal: Nothing was changed.
        """
        if at.asset_id is not None:
            return self._of_one_asset(at.route, at.asset_id, query, body)
        if at.route == "list_assets":
            return Outcome(payload=self.library.listed(query))
        return self._of_uploads(at.route, at.upload_id or "", query, body)

    def judged(self, order: Order, sent: Sent) -> Sent:
        """Return a new asset's file under the name and the type that it is taken for.

        Raises:
            Refusal: It is of no known type, or too large.
        """
        filename = order.filename or sent.filename
        file_type = forms.taken_type(filename, sent.content_type)
        limit = self.library.limits.of(order.method, file_type)
        if sent.size > limit:
            raise forms.too_large(sent.size, limit)
        return Sent(filename, file_type, sent.size)

    def created(self, asset_id: str, order: Order, file: Sent, sound: Sound | None) -> Outcome:
        """Make an asset of a file that was judged, and is there whole."""
        return Outcome(201, self.library.admit(asset_id, order, file, sound))

    def _of_uploads(self, route: str, upload_id: str, query: Query, body: Body) -> Outcome:
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
            case _:
                return Outcome(payload=self.platform.incomplete(first))

    def _of_one_asset(self, route: str, asset_id: str, query: Query, body: Body) -> Outcome:
        match route:
            case "delete_asset":
                return Outcome(gone=self.library.delete(asset_id, query))
            case "update_metadata":
                self.library.update_metadata(asset_id, body.json())
            case "replace_metadata":
                self.library.replace_metadata(asset_id, body.json())
            case "delete_metadata":
                self.library.delete_metadata(asset_id)
            case "transcription":
                return Outcome(payload=self.library.transcription(asset_id, query))
            case _:
                return Outcome(payload=self.platform.asset(asset_id))
        return Outcome()

    def _reported(self, upload_id: str, payload: object) -> Outcome:
        answer = self.platform.report(upload_id, payload)
        asset = self.platform.find(answer["asset_id"])
        unseen = asset.received_at is not None and asset.sound is None
        return Outcome(payload=answer, whole=asset if unseen else None)

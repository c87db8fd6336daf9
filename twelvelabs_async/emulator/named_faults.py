"""What an incident is: a fault ready to be scripted, and what a client promises to make of it.

Pure, and of the emulator: a promise names exceptions by their names, and knows none of them.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, field, frozen

from twelvelabs_async.emulator.faults import Action, Fault, Payload, Rewrite


@frozen
class NamedFault:
    """A fault with a name.

    Attributes:
        name: What it is scripted by.
        what: What goes wrong.
        then: What the client does.
        routes: To which requests it happens, to one kind at a time.
        action: What happens.
        times: How often; None: always.
        causes: The names of the exceptions of which one is the cause of the ``UploadError`` in
            which the upload ends; none: it ends in the asset, byte for byte.
        seconds: By how much it may prolong an upload of a few chunks, with default settings.
        requests: How many requests more than usual that upload may take.
    """

    name: str
    what: str
    then: str
    routes: tuple[str, ...]
    action: Action
    times: int | None = field(default=1, kw_only=True)
    causes: tuple[str, ...] = field(default=(), kw_only=True)
    seconds: float = field(default=5.0, kw_only=True)
    requests: int = field(default=4, kw_only=True)

    def fault(self, **changes: Any) -> Fault:
        """Return a new fault to be added to a script.

        Args:
            changes: Arguments of ``Fault`` to replace, such as ``route``, ``chunk_index``,
                ``after`` or ``times``.
        """
        fault = Fault(route=self.routes[0], action=self.action, times=self.times)
        return evolve(fault, **changes)


def meddled(meddle: Callable[[Payload], Payload]) -> Rewrite:
    """Return a ``Rewrite`` that changes some keys, where the answer has them."""

    def rewrite(payload: Payload) -> Payload:
        changes = meddle(payload).items()
        return {**payload, **{key: value for key, value in changes if key in payload}}

    return Rewrite(rewrite)


def urls(meddle: Callable[[list[Any]], list[Any] | None]) -> Rewrite:
    """Return a ``Rewrite`` that changes the presigned URLs of an answer."""
    return meddled(lambda payload: {"upload_urls": meddle(payload.get("upload_urls", []))})


def answered(content: str) -> Rewrite:
    """Return a ``Rewrite`` that answers something else altogether."""
    return Rewrite(lambda _: content)


def added(payload: Payload) -> Payload:
    """Add what nobody knows, to an answer and to each of its URLs."""
    new = {"novelty": {"since": "2031"}}
    entries = [{**entry, **new} for entry in payload.get("upload_urls", [])]
    return {**payload, **new, **({"upload_urls": entries} if entries else {})}


def all_null(*keys: str) -> Rewrite:
    """Return a ``Rewrite`` that makes these keys null, where they are told."""
    return meddled(lambda _: dict.fromkeys(keys))


def lagging(payload: Payload) -> Payload:
    """Count one chunk too few, and tell no URL; a report that is sent again is told the truth."""
    if payload.get("duplicate_chunks"):
        return {}
    return {"total_completed": payload.get("total_completed", 1) - 1, "url": None}


def mute(payload: Payload) -> Payload:
    """Tell no URL, but to a report that is sent again."""
    return {} if payload.get("duplicate_chunks") else {"url": None}


def pending(payload: Payload) -> Payload:
    """Let a status lag one chunk behind."""
    return {"status": "active", "chunks_completed": payload.get("chunks_completed", 1) - 1}

"""Named faults: faults ready to be scripted, each with what a client promises to make of it.

Pure. A promise spells the names of exceptions, because the emulator imports nothing of the client.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, field, frozen

from twelvelabs_async.emulator.faults import Action, Fault, Payload, Rewrite


@frozen
class NamedFault:
    """A fault with a name.

    Attributes:
        name: Its name in the catalogue.
        what: What goes wrong, for the README's table.
        then: What the client does, for the same table.
        routes: The routes at which it can happen; a fault happens at one of them.
        action: What the emulator does.
        times: How many requests it hits; None: all.
        causes: The upload ends in an ``UploadError`` whose cause is one of these exceptions. Empty:
            the upload ends in the asset, byte for byte.
        seconds: How many seconds longer an upload of a few chunks may take, with default settings.
        requests: How many requests more such an upload may take.
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


def changed(change: Callable[[Payload], Payload]) -> Rewrite:
    """Return a ``Rewrite`` that changes some keys, where the answer has them."""

    def rewrite(payload: Payload) -> Payload:
        changes = change(payload).items()
        return {**payload, **{key: value for key, value in changes if key in payload}}

    return Rewrite(rewrite)


def urls(change: Callable[[list[Any]], list[Any] | None]) -> Rewrite:
    """Return a ``Rewrite`` that changes the presigned URLs of an answer."""
    return changed(lambda payload: {"upload_urls": change(payload.get("upload_urls", []))})


def answered(content: str) -> Rewrite:
    """Return a ``Rewrite`` that replaces the whole answer."""
    return Rewrite(lambda _: content)


def added(payload: Payload) -> Payload:
    """Add an unknown field to an answer and to each of its URLs."""
    new = {"novelty": {"since": "2031"}}
    entries = [{**entry, **new} for entry in payload.get("upload_urls", [])]
    return {**payload, **new, **({"upload_urls": entries} if entries else {})}


def all_null(*keys: str) -> Rewrite:
    """Return a ``Rewrite`` that makes these keys null, where the answer has them."""
    return changed(lambda _: dict.fromkeys(keys))


def lagging(payload: Payload) -> Payload:
    """Count one chunk too few, and leave out the URL; a repeated report is answered as usual."""
    if payload.get("duplicate_chunks"):
        return {}
    return {"total_completed": payload.get("total_completed", 1) - 1, "url": None}


def without_url(payload: Payload) -> Payload:
    """Leave out the URL; a repeated report is answered as usual."""
    return {} if payload.get("duplicate_chunks") else {"url": None}


def pending(payload: Payload) -> Payload:
    """Let a status lag one chunk behind."""
    return {"status": "active", "chunks_completed": payload.get("chunks_completed", 1) - 1}

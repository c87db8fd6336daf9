"""Listens to everything that the package says in the whole suite, and knows every secret in use.

What is searched: each log record at DEBUG, formatted, its arguments and its traceback, too; each
exception of ours when it dies, with texts, attributes, pickle, chain and the local variables in its
traceback; the repr of our objects when they die; each warning; each file that a test leaves in its
directory, a journal's among them.
What is searched for: the API keys that clients were made with, the signatures that emulators have
issued, the passwords that tests tell of.
"""

import gc
import json
import logging
import pickle
import pkgutil
import re
import traceback
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
from attrs import Factory, define

import twelvelabs_async
from support.tracebacks import as_deep_as_it_goes
from twelvelabs_async import client
from twelvelabs_async.emulator.signing import Signer
from twelvelabs_async.errors import TwelveLabsError

SHORTEST_KEY = 7
"""Characters; what is shorter (``key``) stands in texts by chance."""

MOST_OF_A_KIND = 20
"""Objects of a class that are looked at in one test: a property test makes many alike."""

LARGEST_FILE = 2**16
"""Bytes; what is larger is a test's own, to be uploaded."""

LOGGERS = ("twelvelabs_async", "aiohttp", "asyncio")

QUIET = 2
"""Tests without a secret after which nothing is searched: in memory, none can be told."""

PASSWORD = "hunter2"
"""What a password is, wherever a test sets one: of a proxy, a session, a URL."""

_SIGNATURE = re.compile(r"[0-9a-f]{64}")


@define(eq=False)
class Watch:
    """Knows secrets, and keeps where one was seen.

    Attributes:
        words: Keys and passwords, in each of their spellings.
        signatures: Signatures that were issued: 64 hexadecimal digits.
        leaks: Where one of them was seen.
        looked: How many things were searched, by what they are.
        loggers: Those that shall tell everything while there are secrets to tell.
    """

    words: set[str] = Factory(set[str])
    signatures: set[str] = Factory(set[str])
    leaks: list[str] = Factory(list[str])
    looked: Counter[str] = Factory(Counter[str])
    loggers: tuple[str, ...] = ()
    _of_a_kind: Counter[type] = Factory(Counter[type])
    _quiet_tests: int = QUIET

    @property
    def at_work(self) -> bool:
        """Whether there was a secret to tell in this test, or in the one before it."""
        return self._quiet_tests < QUIET

    def begin(self) -> None:
        """Note that there is one now."""
        if not self.at_work:
            self._set_levels(logging.DEBUG)
        self._quiet_tests = 0

    def _set_levels(self, level: int) -> None:
        for name in self.loggers:
            logging.getLogger(name).setLevel(level)

    def know(self, secret: str) -> None:
        """Search for a key or a password from now on, as it is and as it may be spelt."""
        self.begin()
        if len(secret) >= SHORTEST_KEY:
            coded = b64encode(secret.encode("utf-8", "surrogatepass")).decode()
            spelt = {secret, coded, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
            with suppress(UnicodeEncodeError):
                spelt.add(quote(secret, safe=""))
            self.words |= spelt

    def know_credentials(self, user: str, password: str) -> None:
        """Search for a password, and for the header that it makes."""
        self.know(password)
        self.words.add(b64encode(f"{user}:{password}".encode()).decode())

    def found(self, text: str) -> list[str]:
        """Return the secrets in a text."""
        found = [word for word in self.words if word in text]
        return found + [hexes for hexes in _SIGNATURE.findall(text) if hexes in self.signatures]

    def look(self, what: str, text: str) -> None:
        """Search a text."""
        self.looked[what.partition(" ")[0]] += 1
        if found := self.found(text):
            self.leaks.append(f"{what}: {found[0]!r} in {text[:2_000]}")

    def look_at_error(self, error: BaseException) -> None:
        """Search an exception, and what foreign ones it drags along."""
        if not self._is_due(type(error)):
            return
        links = [error, *_foreign_links(error)]
        said = [part for e in links for part in (str(e), repr(e), repr(vars(e)))]
        with suppress(Exception):  # that it can be pickled is for another test
            said.append(pickle.dumps(error).decode("latin-1"))
        said += traceback.format_exception_only(error)
        said += as_deep_as_it_goes(error)
        self.look(f"exception {type(error).__name__}", "\n".join(said))

    def look_at_object(self, it: object) -> None:
        """Search what an object shows of itself, and what its parts do where it shows nothing."""
        if not self._is_due(type(it)):
            return
        with suppress(AttributeError):  # it was never made whole
            shown = repr(it)
            if type(it).__repr__ is object.__repr__:
                shown += repr(getattr(it, "__dict__", ""))
            self.look(f"repr {type(it).__name__}", shown)

    def sign(self, signature: str) -> None:
        """Search for a signature from now on."""
        self.begin()
        self.signatures.add(signature)

    def look_at_file(self, path: Path) -> None:
        """Search a file; of a large one nothing."""
        with suppress(OSError):
            if path.is_file() and path.stat().st_size <= LARGEST_FILE:
                self.look(f"file {path}", path.read_bytes().decode("latin-1"))

    def look_into(self, directory: Path) -> None:
        """Search every file below a directory."""
        for path in directory.rglob("*"):
            if path.name != "netrc":  # the user's own
                self.look_at_file(path)

    def next_test(self) -> list[str]:
        """Return the leaks that were not told yet; begin to count anew."""
        leaks, self.leaks = self.leaks, []
        self._of_a_kind.clear()
        self._quiet_tests += 1
        if self._quiet_tests == QUIET:
            self._set_levels(logging.NOTSET)
        return leaks

    def _is_due(self, kind: type) -> bool:
        self._of_a_kind[kind] += self.at_work
        return self.at_work and self._of_a_kind[kind] <= MOST_OF_A_KIND


def _foreign_links(error: BaseException) -> Iterator[BaseException]:
    """Yield what is chained to an exception, up to the next one of ours: that dies by itself."""
    for link in (error.__cause__, error.__context__):
        if link is not None and not isinstance(link, TwelveLabsError):
            yield link
            yield from _foreign_links(link)


@define(eq=False)
class _Listener(logging.Handler):
    """A log handler that has the watch look at each record."""

    watch: Watch

    def __attrs_pre_init__(self) -> None:
        super().__init__(logging.NOTSET)

    def emit(self, record: logging.LogRecord) -> None:
        self.watch.look(f"log {record.name}", f"{self.format(record)}\n{record.args!r}")


def listen(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    """Have everything that is said looked at, until ``patch`` is undone."""
    _listen_to_logs(watch, patch)
    watch.know_credentials("user", PASSWORD)
    _learn_secrets(watch, patch)
    _before_each(patch, TwelveLabsError, "__del__", watch.look_at_error)
    for kind in _kinds():
        _before_each(patch, kind, "__del__", watch.look_at_object)


def _listen_to_logs(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    listener = _Listener(watch)
    patch.setattr(logging.root, "handlers", [*logging.root.handlers, listener])
    watch.loggers = LOGGERS


def _learn_secrets(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    presign = Signer.presign

    def signing(*args: Any, **given: Any) -> str:
        target = presign(*args, **given)
        watch.sign(target[-64:])
        return target

    choose = client._chosen_api_key

    def choosing(api_key: str | None) -> str:
        watch.know(chosen := choose(api_key))
        return chosen

    patch.setattr(Signer, "presign", signing)
    patch.setattr(client, "_chosen_api_key", choosing)


def _before_each(
    patch: pytest.MonkeyPatch, owner: type, name: str, look: Callable[..., None]
) -> None:
    """Have a function look at its arguments before it is what it was."""
    before: Callable[..., Any] | None = vars(owner).get(name)

    def looking(*args: Any, **given: Any) -> Any:
        look(*args)
        return before(*args, **given) if before is not None else None

    patch.setattr(owner, name, looking, raising=False)


def _kinds() -> Iterator[type]:
    """Yield every class of the package whose objects a user may get to see."""
    for found in pkgutil.walk_packages(twelvelabs_async.__path__, "twelvelabs_async."):
        if found.name.startswith("twelvelabs_async.emulator") or found.name.endswith("__main__"):
            continue
        for kind in cast("list[object]", list(vars(import_module(found.name)).values())):
            if isinstance(kind, type) and kind.__module__ == found.name and _has_objects(kind):
                yield kind


def _has_objects(kind: type) -> bool:
    special = issubclass(kind, BaseException | Enum) or kind.__base__ is dict
    return not special and not kind.__dict__.get("_is_protocol")


WATCH = Watch()
"""Hears everything that is said while the tests run."""


def last_look(watch: Watch) -> list[str]:
    """Let die what can, and return the leaks that no test was told of."""
    gc.collect()
    return watch.next_test()

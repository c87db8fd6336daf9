"""A client and an emulator for a test, without pytest; ``pytest_plugin`` has a fixture for it.

``emulated`` is an async context manager: client and emulator start and end on the event loop of the
test that enters it. So it works with pytest-asyncio in either mode, anyio, and ``asyncio.run``.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen

from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Fault, Faults, named_fault


@frozen
class Emulated:
    """A running emulator of the platform, and a client of it.

    Attributes:
        emulator: The emulator; see its ``requests``, ``count(route)`` and ``sha256(asset_id)``.
        client: A client of the emulator, with the options that were passed.
    """

    emulator: Emulator
    client: AsyncTwelveLabs

    @property
    def faults(self) -> Faults:
        """The emulator's script of faults."""
        return self.emulator.faults

    def inject(self, name: str, **changes: Any) -> Fault:
        """Script a fault of the catalogue.

        Args:
            name: The fault's name, such as ``slow-down``; the README has a table of all.
            changes: Arguments of ``Fault`` to replace, such as ``route``, ``chunk_index``,
                ``after`` or ``times``.

        Returns:
            The fault; its ``hits`` count how often it has happened.

        Raises:
            KeyError: There is no fault of that name.
            ValueError: With these changes, the fault could never happen.
        """
        return self.faults.add(named_fault(name, **changes))


@asynccontextmanager
async def emulated(
    *, emulator: Emulator | None = None, **client_options: Any
) -> AsyncGenerator[Emulated]:
    """Run an emulator and a client of it, until the ``async with`` block ends.

    Args:
        emulator: An emulator that was not started yet, such as ``Emulator(chunk_size=1_000_000)``;
            None: one with the platform's settings.
        client_options: Arguments of ``AsyncTwelveLabs``, such as ``stall_timeout``.

    Raises:
        AssertionError: The block ended without an exception, but a fault that was scripted never
            happened, so that the test has not tested it.
    """
    async with emulator or Emulator() as running:
        async with AsyncTwelveLabs(running.api_key, running.base_url, **client_options) as client:
            yield Emulated(running, client)
        if unused := running.faults.unused():
            raise AssertionError(f"scripted, but it never happened: {_described(unused)}")


def _described(faults: list[Fault]) -> str:
    return "; ".join(f"{f.action} to {f.route} ({f.seen} requests matched)" for f in faults)

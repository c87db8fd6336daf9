"""The pytest plugin: one fixture, ``emulated_twelvelabs``.

It imports the client and the emulator only when a test uses the fixture: pytest loads the plugin in
every project of the same environment.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from twelvelabs_async.testing import Emulated


@pytest.fixture
def emulated_twelvelabs(
    monkeypatch: pytest.MonkeyPatch,
) -> "Callable[..., AbstractAsyncContextManager[Emulated]]":
    """Return what runs an emulator: enter its result with ``async with ... as platform``.

    ``platform.client`` is a client of it, and ``platform.inject("slow-down")`` scripts a fault; a
    fault that was scripted and never happened fails the test. The arguments are those of
    ``twelvelabs_async.testing.emulated``. In the block, the environment names the emulator, so that
    code which makes a client of its own finds it.
    """

    @asynccontextmanager
    async def start(**options: Any) -> "AsyncGenerator[Emulated]":
        from twelvelabs_async.testing import emulated  # noqa: PLC0415 - see above

        async with emulated(**options) as platform:
            with monkeypatch.context() as patch:
                patch.setenv("TWELVE_LABS_API_KEY", platform.emulator.api_key)
                patch.setenv("TWELVELABS_BASE_URL", platform.emulator.base_url)
                yield platform

    return start

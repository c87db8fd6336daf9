"""A process that uploads until it is killed; a script, started by ``victims``.

It imports the package once, and forks a child for each line of JSON on its standard input, so that
an attempt costs milliseconds. The child tells its process id and uploads, with nothing but the
public API. It may kill itself, as hard as anybody could, at a counted call to the
disk; whatever its journal asks of the disk is written down in a trace, which outlives it.
"""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from typing import Any, Literal, NoReturn

from attrs import define, field, frozen

from twelvelabs_async import AsyncTwelveLabs, FileJournal
from twelvelabs_async.journal._disk import Disk

INPUT, OUTPUT = 0, 1

DiskMoment = Literal["before", "torn", "after"]


@frozen(kw_only=True)
class ChildOrder:
    """What a child shall do.

    Attributes:
        path: The file.
        directory: The journal's directory.
        base_url: Where the platform is.
        api_key: Its key.
        trace: The file to write the trace to.
        fatal_call: At which call to the disk to die, counted from 1; 0: at none.
        when: Before that call, after it, or in the middle of it if it is a write.
        if_busy: As for ``upload_file``.
        max_workers: As for ``upload_file``.
        batch_size: As for ``upload_file``.
        keep_result: As for ``upload_file``.
    """

    path: str
    directory: str
    base_url: str
    api_key: str
    trace: str
    fatal_call: int = 0
    when: DiskMoment = "before"
    if_busy: Literal["raise", "wait"] = "raise"
    max_workers: int = 5
    batch_size: int = 5
    keep_result: bool = False


def die() -> NoReturn:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives that")


@define(eq=False)
class TracedDisk:
    """The disk of a journal: real, traced, and deadly at one call."""

    _order: ChildOrder
    _trace: int = field(init=False)
    _calls: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._trace = os.open(self._order.trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def disk(self) -> Disk:
        """Return it as a journal wants it."""
        return Disk(self._write, self._truncate, self._sync, self._sync_directory)

    def _write(self, descriptor: int, data: bytes) -> int:
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        self._tell("write", at=at, data=data.hex())
        half = data[: len(data) // 2]
        count: int = self._called(
            lambda: os.write(descriptor, data), torn=lambda: os.write(descriptor, half)
        )
        return count

    def _truncate(self, descriptor: int, size: int) -> None:
        self._tell("truncate", at=size)
        self._called(lambda: os.ftruncate(descriptor, size))

    def _sync(self, descriptor: int) -> None:
        self._called(lambda: Disk().sync(descriptor))
        self._tell("sync")

    def _sync_directory(self, descriptor: int) -> None:
        self._called(lambda: Disk().sync_directory(descriptor))
        self._tell("sync directory")

    def _tell(self, call: str, **values: Any) -> None:
        os.write(self._trace, json.dumps({"call": call, **values}).encode() + b"\n")

    def _called(self, call: Callable[[], Any], torn: Callable[[], object] = lambda: None) -> Any:
        self._calls += 1
        if self._calls != self._order.fatal_call:
            return call()
        if self._order.when == "torn":
            torn()
        elif self._order.when == "after":
            call()
        die()


@define(eq=False)
class BusyNotingJournal(FileJournal):
    """A journal whose process tells when somebody else has the entry."""

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        """Take the lease; see ``Journal.acquire``."""
        holder = await super().acquire(key, owner, seconds)
        if holder is not None:
            tell(busy=holder)
        return holder


async def upload(order: ChildOrder) -> dict[str, Any]:
    """Upload a file, and return what is to be told of it."""
    journal = BusyNotingJournal(order.directory, disk=TracedDisk(order).disk())
    async with AsyncTwelveLabs(order.api_key, order.base_url, journal=journal) as client:
        result = await client.multipart_upload.upload_file(
            order.path,
            max_workers=order.max_workers,
            batch_size=order.batch_size,
            if_busy=order.if_busy,
            keep_result=order.keep_result,
        )
    return {"asset_id": result.asset_id, "asset_url": result.asset_url}


def attempt(order: ChildOrder) -> NoReturn:
    """Be the child."""
    try:
        tell(pid=os.getpid())
        tell(**asyncio.run(upload(order)))
    except BaseException as error:  # noqa: BLE001 - whatever it was, it is told
        tell(error=f"{error!r} from {error.__cause__!r}")
    finally:
        os._exit(0)


def tell(**values: Any) -> None:
    """Tell whoever started this process; short enough to come whole."""
    os.write(OUTPUT, json.dumps(values).encode() + b"\n")


def main() -> None:
    """Be the parent: fork, and tell how it ended; the dead keep their process id until then."""
    while line := os.read(INPUT, 2**16):
        child = os.fork()
        if not child:
            attempt(ChildOrder(**json.loads(line)))
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        tell(ended=child)
        os.read(INPUT, 1)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()

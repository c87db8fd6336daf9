"""``emulator``: the platform in a box, until the user interrupts the command."""

import os
import re
import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from attrs import frozen

from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.outcomes import DONE, FAILED, WrongUsageError
from twelvelabs_async._cli.output import print_end, print_error, print_json, print_text
from twelvelabs_async._core.threads import Threads
from twelvelabs_async.client import API_KEY_VARIABLES, BASE_URL_VARIABLE
from twelvelabs_async.emulator import Emulator

_UNITS: dict[str, int] = {
    "": 1,
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMG", 1)},
    **{f"{letter}IB": 1024**power for power, letter in enumerate("KMG", 1)},
}
_SIZE = re.compile(r"(\d+) *([a-z]*)", re.ASCII | re.IGNORECASE)


class Size(int):
    """Bytes; its name is what the help calls it."""


@frozen(kw_only=True)
class Settings:
    """What the user asked for; see the command's own help."""

    host: str
    port: int
    data_dir: Path | None
    chunk_size: int | None
    api_key: str
    upload_headers: Mapping[str, str] | None
    as_json: bool


def parse_size(text: str) -> Size:
    """Return the bytes that ``text`` means: ``5242880``, ``5MiB`` or ``5 MB``, in any case.

    Raises:
        ValueError: It means none, or fewer than 1.
    """
    match = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None or int(match[1]) < 1:
        raise ValueError("it must be 1 byte or more, such as 5242880 or 5MiB")
    return Size(int(match[1]) * unit)


async def emulate(settings: Settings, interrupts: Interrupts) -> int:
    """Run an emulator until the user interrupts the command, and return the exit code.

    Raises:
        WrongUsageError: The settings can never be right.
        OutputGoneError: The output, which says where it is, cannot be written.
    """
    emulator = _made(settings)
    try:
        await _start(emulator, settings.data_dir)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        print_error(f"error: cannot serve at {settings.host}:{settings.port}: {reason.lower()}")
        return FAILED
    try:
        _introduce(emulator, as_json=settings.as_json)
        await interrupts.wait()
    finally:
        await emulator.close()
    print_end("stopped")
    return DONE


def _made(settings: Settings) -> Emulator:
    key = settings.api_key
    if not key or not key.isascii() or not key.isprintable() or key != key.strip():
        raise WrongUsageError("--api-key must be ASCII that a header can carry")
    try:
        return Emulator(
            host=settings.host,
            port=settings.port,
            data_dir=settings.data_dir,
            chunk_size=settings.chunk_size,
            api_key=key,
            upload_headers=settings.upload_headers,
        )
    except ValueError as error:
        raise WrongUsageError(f"--host: {error}") from error


async def _start(emulator: Emulator, data_dir: Path | None) -> None:
    if data_dir is not None:
        await Threads().run(partial(data_dir.mkdir, parents=True, exist_ok=True))
    await emulator.start()


def _introduce(emulator: Emulator, *, as_json: bool) -> None:
    if as_json:
        names = ("base_url", "store_url", "api_key")
        print_json({name: getattr(emulator, name) for name in names})
        return
    print_text(
        f"The emulator of the platform is at {emulator.base_url} until Ctrl-C;\n"
        "nothing that is sent to it leaves this machine. To use it, in another terminal:\n\n"
        f"export {BASE_URL_VARIABLE}={shlex.quote(emulator.base_url)}\n"
        f"export {API_KEY_VARIABLES[0]}={shlex.quote(emulator.api_key)}"
    )

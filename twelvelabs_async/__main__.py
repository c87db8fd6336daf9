"""Start the command line, or say how to get it: it needs more than the library does."""

import signal
import sys
from typing import NoReturn

WRONG_USAGE = 2


def main() -> int:
    """Run the command line over this process's arguments and return its exit code."""
    _end_cleanly()
    try:
        from twelvelabs_async._cli.app import run  # noqa: PLC0415 - the extra may not be there
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"cyclopts", "rich"}:
            raise
        sys.stderr.write("error: the command line needs: pip install 'twelvelabs-async[cli]'\n")
        return WRONG_USAGE
    except KeyboardInterrupt:
        return 130
    return run(sys.argv[1:])


def _end_cleanly() -> None:
    """Let a signal that comes before the command's own handlers are there end the process."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _exit)


def _exit(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

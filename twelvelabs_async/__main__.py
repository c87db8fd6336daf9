"""Start the command line, or say how to get it: it needs more than the library does."""

import sys

WRONG_USAGE = 2


def main() -> int:
    """Run the command line over this process's arguments and return its exit code."""
    try:
        from twelvelabs_async.cli.app import run  # noqa: PLC0415 - the extra may not be there
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"cyclopts", "rich"}:
            raise
        sys.stderr.write("error: the command line needs: pip install 'twelvelabs-async[cli]'\n")
        return WRONG_USAGE
    except KeyboardInterrupt:
        return 130
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

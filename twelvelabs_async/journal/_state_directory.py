"""The directory in which this package keeps files for the user, such as the journal."""

import os
import sys
from pathlib import Path

from twelvelabs_async.errors import ConfigurationError


def state_directory(platform: str = sys.platform) -> Path:
    """Return the directory of this package in the user's state directory.

    It is in ``~/Library/Application Support`` on macOS, else in ``$XDG_STATE_HOME`` or
    ``~/.local/state``.

    Args:
        platform: As ``sys.platform``.

    Raises:
        RuntimeError: There is no home directory.
    """
    if platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME", ""))
        if not base.is_absolute():  # then the specification ignores it (XDG Base Directory 0.8)
            base = Path.home() / ".local" / "state"
    return base / "twelvelabs_async"


def journal_directory(given: str | Path | None) -> Path:
    """Return the absolute path of a journal's directory; None: ``state_directory()``.

    Raises:
        ConfigurationError: There is no home directory, or no working directory.
    """
    try:
        # absolute, as a later ``chdir`` must not move it; HOME may be relative, too
        return (Path(given) if given is not None else state_directory()).absolute()
    except RuntimeError:
        failure = ConfigurationError("there is no home directory: name one for the journal")
    except OSError:
        failure = ConfigurationError("the working directory was removed: name a journal elsewhere")
    raise failure

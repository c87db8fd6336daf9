"""Whether a failure means that there are too few file descriptors."""

import errno


def are_lacking(error: object) -> bool:
    """Whether the system, or this process, had no descriptor left."""
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}

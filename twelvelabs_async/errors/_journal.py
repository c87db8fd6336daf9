"""Errors of the journal, and of the leases on its entries."""

from twelvelabs_async.errors._base import TwelveLabsError


class JournalError(TwelveLabsError):
    """The journal cannot be read or written, such as on a full disk.

    It ends an upload that has no session yet, or has not looked for it: nothing was sent. An upload
    that has one goes on, and a warning says that another attempt would know less; a lost lease
    (``JournalLostError``) ends that, too.

    Attributes:
        retryable: Whether another attempt, later, may succeed without any change.
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        self.retryable = retryable
        super().__init__(message)


class JournalLostError(JournalError):
    """The lease on an entry was lost: another attempt may have it now, so this one stops."""


class UploadInProgressError(TwelveLabsError):
    """Another attempt is at work on the same upload, in this process or another one.

    Attributes:
        key: The entry of the journal that the other attempt has.
        holder: The name of the other attempt, such as ``host:pid``; empty where it is not known.
    """

    def __init__(self, key: str, holder: str, *, advice: str = "if_busy='wait' waits") -> None:
        self.key = key
        self.holder = holder
        super().__init__(f"{holder or 'somebody else'} is at work on the same upload ({advice})")

"""What became of a FILE, or of an asset, as a value, and the exit codes."""

from attrs import frozen

from twelvelabs_async import AssetDetail, UploadResult

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
"""What a shell calls the end by Ctrl-C: 128 and the number of SIGINT."""


class WrongUsageError(Exception):
    """The command cannot be carried out as it was given."""


@frozen
class Arrived:
    """A file that has arrived whole.

    Attributes:
        path: The file, as it was given.
        result: Its asset.
        seconds: How long the upload took.
        sha256: In hex, of the file and of what its asset's URL serves; None: not compared.
    """

    path: str
    result: UploadResult
    seconds: float
    sha256: str | None = None
    exit_code: int = DONE


@frozen
class Failed:
    """A file that has not arrived.

    Attributes:
        path: The file, as it was given.
        error: What failed and why, in one sentence.
        upload_id: The upload session on the platform; None: none is known.
        exit_code: Who must act: ``FAILED``, ``WRONG_USAGE`` or ``INTERRUPTED``.
    """

    path: str
    error: str
    upload_id: str | None = None
    exit_code: int = FAILED


Outcome = Arrived | Failed


@frozen
class Done:
    """An asset of which the command has done what was asked.

    Attributes:
        asset_id: The asset.
        asset: What the platform says of it; None: it is deleted.
    """

    asset_id: str
    asset: AssetDetail | None = None
    exit_code: int = DONE


@frozen
class NotDone:
    """An asset of which it has not; ``error`` says what failed and why, in one sentence."""

    asset_id: str
    error: str
    exit_code: int = FAILED


AssetOutcome = Done | NotDone

"""What became of a FILE, or of an asset, as a value, and the exit codes."""

from typing import Literal

from attrs import frozen

from twelvelabs_async import AssetDetail, UploadResult

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
"""128 and the number of SIGINT, for Ctrl-C; the process exits with that of its own signal."""


STDIN = "-"
"""The FILE that is standard input."""


class WrongUsageError(Exception):
    """The command cannot be carried out as it was given."""


@frozen
class GivenSource:
    """What is uploaded.

    Attributes:
        kind: ``path`` of a FILE, or ``url`` from which the platform fetches it.
        name: The path or the URL, as it was given.
    """

    kind: Literal["path", "url"]
    name: str

    @property
    def is_stdin(self) -> bool:
        """Whether it is standard input."""
        return (self.kind, self.name) == ("path", STDIN)


@frozen
class Arrived:
    """A file that has arrived whole.

    Attributes:
        source: The file.
        asset_id: Its asset.
        seconds: How long the upload took.
        result: What an upload in chunks came to; None: it went in one request.
        sha256: In hex, of the file and of what its asset's URL serves; None: not compared.
        asset: What the platform said of the asset last; None: it was not asked.
    """

    source: GivenSource
    asset_id: str
    seconds: float
    result: UploadResult | None = None
    sha256: str | None = None
    asset: AssetDetail | None = None
    exit_code: int = DONE


@frozen
class Failed:
    """A file that has not arrived, or is not ready although it was waited for.

    Attributes:
        source: The file.
        error: What failed and why, in one sentence.
        upload_id: The upload session on the platform; None: none is known.
        exit_code: Who must act: ``FAILED``, ``WRONG_USAGE`` or ``INTERRUPTED``.
        asset_id: The asset, if the file has arrived; None: it has not.
        unclear: Whether the platform may have it all the same.
        opening: Whether the platform may have opened a session whose id is not known.
        noted: Whether a later attempt goes on with the session, for the journal has it.
        result: What an upload in chunks came to before something else failed; None: nothing.
    """

    source: GivenSource
    error: str
    upload_id: str | None = None
    exit_code: int = FAILED
    asset_id: str | None = None
    unclear: bool = False
    opening: bool = False
    noted: bool = False
    result: UploadResult | None = None


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

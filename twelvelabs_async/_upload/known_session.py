"""What an upload knows of its session, from when it was named: for the error that may end it."""

from collections.abc import Mapping
from datetime import datetime

from attrs import define, field

from twelvelabs_async._upload.plan.session import UploadSession


@define(eq=False, repr=False)
class KnownSession:
    """The session of one attempt; nothing is known of it before somebody names it.

    Attributes:
        upload_id: Its name; None: there is none, or it is not known.
        asset_id: The asset that it will make; None: not known.
        upload_headers: What its PUTs carry.
        expires_at: When it ends; None: not known.
        recorded: Whether the journal has it, so that the same call goes on with it.
        opened: Whether the platform has answered that it is there: this attempt counts.
    """

    upload_id: str | None = None
    asset_id: str | None = None
    upload_headers: Mapping[str, str] = field(factory=dict[str, str])
    expires_at: datetime | None = None
    recorded: bool = False
    opened: bool = False

    def found(self, session: UploadSession) -> None:
        """Note a session that the journal has, before the platform is asked about it."""
        self._name(session)
        self.recorded = True

    def open(self, session: UploadSession) -> None:
        """Note a session that was created or opened."""
        self._name(session)
        self.opened = True

    def forget(self) -> None:
        """Note that the session is over, and that another one will be created."""
        self.upload_id = self.asset_id = self.expires_at = None
        self.upload_headers, self.recorded = {}, False

    def _name(self, session: UploadSession) -> None:
        self.upload_id, self.asset_id = session.upload_id, session.asset_id
        self.upload_headers, self.expires_at = session.upload_headers, session.expires_at

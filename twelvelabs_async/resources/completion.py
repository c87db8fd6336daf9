"""Ask for an upload session until it is complete."""

import inspect
from collections.abc import Awaitable, Callable

from attrs import frozen

from twelvelabs_async.errors import UploadError
from twelvelabs_async.models.results import UploadStatus
from twelvelabs_async.models.upload_status import StatusCallback, UploadStatusPage
from twelvelabs_async.models.uploads import MultipartUploadStatusType
from twelvelabs_async.resources.deadline import Deadline


@frozen
class CompletionPoll:
    """How a session is waited for; see ``MultipartUploadClient.wait_for_upload_completion``.

    Attributes:
        timeout: Seconds to wait; a question that is under way then gets 5 more. None: as long as it
            takes.
        interval: Seconds between two questions.
        callback: Called after each answer.
    """

    timeout: float | None
    interval: float
    callback: StatusCallback | None
    _pause: Callable[[float], Awaitable[None]]

    async def run(
        self, upload_id: str, ask: Callable[[], Awaitable[UploadStatusPage]]
    ) -> UploadStatus:
        """Return the status of the session once it is complete.

        Raises:
            UploadError: The session failed or expired, a chunk failed, or time ran out.
        """
        deadline = Deadline.after(self.timeout)
        known = "never seen"
        while True:
            page = await deadline.ask(ask)
            if page is None:
                raise self._too_late(upload_id, f"{known}; the last question was not answered")
            status = page.summary()
            if self.callback is not None:
                outcome = self.callback(status)
                if inspect.isawaitable(outcome):
                    await outcome
            if page.status == MultipartUploadStatusType.COMPLETED:
                return status
            page.refuse_dead_end(upload_id)
            known = f"{status.completed_chunks} of {status.total_chunks} chunks"
            if deadline.left <= 0:
                raise self._too_late(upload_id, known)
            await self._pause(min(self.interval, deadline.left))

    def _too_late(self, upload_id: str, known: str) -> UploadError:
        text = f"upload {upload_id} is not complete after {self.timeout:g} s: {known}"
        return UploadError(text, upload_id=upload_id)

"""Keep a request off a connection that already holds an answer: it would be taken for its own.

``attempt`` says where such answers come from.
"""

from typing import cast

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import StreamWriter

from twelvelabs_async._http.attempt import StrayAnswerError, current_attempt
from twelvelabs_async._http.sockets import holds_answer


def check_empty(protocol: object) -> None:
    """Refuse to begin a request over a connection that holds an answer already.

    Args:
        protocol: aiohttp's ``ResponseHandler`` of the connection.

    Raises:
        StrayAnswerError: The connection had served a request before, and holds bytes.
    """
    attempt = current_attempt()
    if attempt is not None and attempt.reused and holds_answer(cast("ResponseHandler", protocol)):
        raise StrayAnswerError


class CheckedBytes(aiohttp.BytesPayload):
    """A body that is not sent over a connection that holds an answer already.

    Attributes:
        begun: Whether any of the request was sent; an answer that came before is to another one.
    """

    begun: bool = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write the body, and the head before it.

        Raises:
            StrayAnswerError: The connection holds an answer.
        """
        check_empty(cast("StreamWriter", writer).protocol)
        self.begun = True
        await super().write_with_length(writer, content_length)

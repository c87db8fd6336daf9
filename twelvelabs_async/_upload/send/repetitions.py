"""Notice that the answer to a PUT is a second answer to the one before.

A second answer may come when the next request has been sent already. Only its content shows that:
it names the same request, or has the same ETag. Chunks of equal content have equal ETags as well,
so an ETag that may be an MD5 has to be compared with the content. Other ETags prove nothing, for a
store may have one for all. Pure, but for weak references.
"""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from attrs import Factory, define

from twelvelabs_async._upload.plan.md5 import is_md5

_REQUEST_IDS = ("x-amz-request-id", "x-ms-request-id", "x-guploader-uploadid", "x-request-id")


@define(eq=False, repr=False)
class Repetitions:
    """The last answer of each connection, and what is known of ETags that come again."""

    _last: WeakKeyDictionary[object, tuple[str | None, str, object]] = Factory(
        WeakKeyDictionary[object, "tuple[str | None, str, object]"]
    )
    _usual: set[str] = Factory(set[str])
    _doubted: set[str] = Factory(set[str])

    def note(
        self, connection: object, headers: Mapping[str, str], etag: str, what: object
    ) -> bool | None:
        """Note an answer; return whether it is the one before once more.

        Args:
            connection: What it came over.
            headers: The answer's, lower-case names.
            etag: Its ETag, bare.
            what: Stands for what was sent: the same again may have the same ETag.

        Returns:
            None: it may be; the content of the chunk decides, see ``settle``.
        """
        request = next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None)
        before = self._last.get(connection)
        self._last[connection] = (request, etag, what)
        if before is None:
            if etag in self._doubted:  # nothing came before it here: it is the store's own way
                self._usual.add(etag)
            return False
        if request is not None or before[0] is not None:
            return request == before[0]
        may_be = etag == before[1] and what != before[2] and etag not in self._usual
        return None if may_be and is_md5(etag.lower()) else False

    def settle(self, etag: str, md5: str) -> bool:
        """Return whether an answer is the one before once more, by its chunk's MD5."""
        if etag.lower() == md5:
            self._usual.add(etag)
            return False
        self._doubted.add(etag)
        return True

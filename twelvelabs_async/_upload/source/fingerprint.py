"""The fingerprint of a file: what changes in its ``stat`` when it is written to or replaced."""

import os

from attrs import frozen


@frozen
class Fingerprint:
    """What changes when a file is written to or replaced.

    Attributes:
        device: The file system that it is on.
        inode: Its number there.
        size: Its bytes.
        modified_ns: When it was written to, as far as nobody has set that to another time.
        changed_ns: When anything of it was changed, which nobody can set.
        attributes: Mode, links, owner and group: a change of them alone is one of ``changed_ns``.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    attributes: tuple[int, ...]

    @classmethod
    def of(cls, status: os.stat_result) -> "Fingerprint":
        """Take the fingerprint of a file from its ``stat``."""
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            (status.st_mode, status.st_nlink, status.st_uid, status.st_gid),
        )

    def is_explained(self, now: "Fingerprint", *, moved: bool = False) -> bool:
        """Whether what differs between this and ``now`` is what a mere change of attributes makes.

        That is no proof: it may have been written to, and its modification time set back.

        Args:
            now: The same file, later.
            moved: Whether its path has ceased to lead to it meanwhile, or leads to it again.
        """
        return self.modified_ns == now.modified_ns and (
            moved or self.attributes != now.attributes or self.changed_ns == now.changed_ns
        )

    def difference(self, now: "Fingerprint") -> str | None:
        """Say what happened between this and ``now``; None: nothing, but for the times perhaps."""
        if (self.device, self.inode) != (now.device, now.inode):
            return "another file was put in its place"
        if self.size != now.size:
            verb = "shrank" if now.size < self.size else "grew"
            return f"it {verb} from {self.size} to {now.size} bytes"
        return None

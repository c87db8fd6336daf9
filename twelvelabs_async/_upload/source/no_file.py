"""What sources have in common whose file is not known, if they have one."""


class NoFile:
    """The part of a ``Source`` that distinguishes files, where no path and no times are known."""

    __slots__ = ()

    @property
    def path(self) -> None:
        """None: no file is known."""

    @property
    def identity(self) -> None:
        """None: no file is known."""

    @property
    def version(self) -> int:
        """Always 0: no times are known."""
        return 0

    async def look(self) -> None:
        """Do nothing: whether it was changed cannot be seen."""

    async def check_unchanged(self) -> None:
        """Do nothing: whether it was changed cannot be seen."""

"""What sources have in common that are no file."""


class NoFile:
    """The part of a ``Source`` that tells files apart, for what has no path and no times."""

    __slots__ = ()

    @property
    def path(self) -> None:
        """None: it is no file."""

    @property
    def identity(self) -> None:
        """None: it is no file."""

    @property
    def version(self) -> int:
        """Always 0: it has no times."""
        return 0

    async def look(self) -> None:
        """Do nothing: whether it was changed cannot be seen."""

    async def check_unchanged(self) -> None:
        """Do nothing: whether it was changed cannot be seen."""

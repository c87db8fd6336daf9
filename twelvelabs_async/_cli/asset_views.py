"""How assets look: a row of a table and a block for people, an object for machines."""

import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs
from attrs import define
from rich.cells import cell_len
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from twelvelabs_async import Asset, AssetDetail
from twelvelabs_async._cli.output import block, plain, print_json, print_text

STANDARD_OUTPUT = 1
UNBOUNDED = 2**16
"""Columns where no terminal ends a line: nothing is ever folded."""

COLUMNS = {"ID": 24, "STATUS": 10, "TYPE": 5, "SIZE": 8, "CREATED": 10}
"""Each column but the last, and its least width: a table printed page by page stays in line."""

LEAST_NAME = 12
"""Width of a name on a terminal, where a longer one is folded; if that is too much, rows wrap."""

GAP = 2
NOTHING = "-"
MEDIA = ("video", "audio", "image")


def asset_json(asset: Asset) -> dict[str, Any]:
    """Return an asset under its attributes' names, all of them, with times as of RFC 3339."""
    return attrs.asdict(asset, filter=_is_platforms, value_serializer=_timed)


def _is_platforms(field: "attrs.Attribute[Any]", _value: object) -> bool:
    """Whether a field is of what the platform says, and not of the upload that made the asset."""
    return field.name != "result"


def _timed(_model: object, _field: object, value: Any) -> Any:
    return time_text(value) if isinstance(value, datetime) else value


def time_text(time: datetime) -> str:
    """Return an aware time as of RFC 3339, and the usual Z for UTC."""
    return time.isoformat().replace("+00:00", "Z")


@define
class AssetLister:
    """Prints assets, a few at a time, as lines of JSON or as rows of one table.

    Attributes:
        begun: Whether any asset was printed so far; the table's header comes before the first.
    """

    _as_json: bool
    begun: bool = False

    def print(self, assets: Sequence[AssetDetail]) -> None:
        """Print assets; raises as ``print_text`` does."""
        if self._as_json:
            for asset in assets:
                print_json(asset_json(asset))
        elif assets:
            print_text(_table(assets, header=not self.begun))
        self.begun = self.begun or bool(assets)


def _table(assets: Sequence[AssetDetail], *, header: bool) -> str:
    """Return rows in which nothing is cut, not even where they are too long for a terminal."""
    rows = [tuple(map(_cell, _row(asset))) for asset in assets]
    table = Table(box=None, show_header=header, padding=(0, GAP, 0, 0))
    taken = 0
    for (name, least), cells in zip(COLUMNS.items(), zip(*rows, strict=True), strict=False):
        width = max(least, *map(cell_len, cells))
        table.add_column(name, no_wrap=True, width=width)
        taken += width + GAP
    table.add_column("NAME", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return _rendered(table, taken + LEAST_NAME + GAP)


def _rendered(table: Table, least: int) -> str:
    columns = shutil.get_terminal_size().columns if os.isatty(STANDARD_OUTPUT) else UNBOUNDED
    out = io.StringIO()
    Console(
        file=out,
        width=max(columns, least),
        color_system=None,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _row(asset: AssetDetail) -> tuple[str | None, ...]:
    size = None if asset.size is None else f"{decimal(asset.size):>{COLUMNS['SIZE']}}"
    created = asset.created_at.date().isoformat() if asset.created_at else None
    return asset.id, asset.status, _kind(asset), size, created, asset.filename


def _cell(text: str | None) -> str:
    return plain(text or NOTHING)


def _kind(asset: AssetDetail) -> str | None:
    """Return what an asset is, in a word: ``video``, ``pdf``."""
    family, _, kind = (asset.file_type or "").partition("/")
    return family if family in MEDIA else kind


def asset_block(asset: AssetDetail) -> str:
    """Return all that is known of an asset, but for its single streams, for people."""
    return block(asset.id, _known(asset))


def _known(asset: AssetDetail) -> Iterator[tuple[str, str]]:
    fields: dict[str, Any] = {
        "name": asset.filename,
        "status": asset.status,
        "error": asset.error and asset.error.message,
        "type": asset.file_type,
        "size": None if asset.size is None else f"{decimal(asset.size)} ({asset.size:,} bytes)",
        "duration": None if asset.duration is None else f"{asset.duration:g} s",
        "created": asset.created_at and time_text(asset.created_at),
        "method": asset.method,
        "source": asset.source and asset.source.type,
        "URL": asset.url,
    }
    yield from ((name, value) for name, value in fields.items() if value)
    yield from _made(asset)
    for key, value in asset.user_metadata.items():
        yield "metadata", f"{key} = {json.dumps(value, ensure_ascii=False)}"
    read = asset.technical_metadata
    for name, value in (attrs.asdict(read, value_serializer=_timed) if read else {}).items():
        if value is not None and not isinstance(value, list | tuple):
            yield name, value if isinstance(value, str) else json.dumps(value)


def made_rows(asset: AssetDetail) -> Iterator[tuple[str, str]]:
    """Yield how far an asset is, and what is made from it, for a block."""
    if asset.status is not None:
        yield "status", asset.status
    yield from _made(asset)


def _made(asset: AssetDetail) -> Iterator[tuple[str, str]]:
    stream, picture = asset.hls, asset.thumbnail
    if stream is not None:
        yield "HLS", _joined(stream.status, stream.manifest_url)
    if picture is not None:
        yield "thumbnail", _joined(picture.status, picture.representative_url)


def _joined(*words: str | None) -> str:
    return " ".join(filter(None, words))

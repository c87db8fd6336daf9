"""Open files that share a position: each arrives as itself, or is refused; none is mixed."""
# ruff: noqa: SIM115 - the tables below hold files that are closed when the test is over

import asyncio
import bz2
import gzip
import io
import lzma
import os
import random
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from support.assets import read_asset
from support.open_files import kept

from twelvelabs_async import AsyncTwelveLabs, UploadError
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.handles import HandleSource, open_handle
from twelvelabs_async.emulator import Emulator, Fault, Stall

CHUNK_SIZE = 25_000

DATAS = [random.Random(seed).randbytes(300_000) for seed in range(4)]
DATA = DATAS[0]

Made = list[tuple[Any, bytes]]
"""Open files, and what each has from where it stands."""

Make = Callable[[Path], Made]


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """Yield an emulator with chunks that are larger than the buffer of a file."""
    async with Emulator(chunk_size=CHUNK_SIZE) as running:
        yield running


def written(path: Path, data: bytes = DATA) -> Path:
    path.write_bytes(data)
    return path


def archived(path: Path, mode: Any = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for number, data in enumerate(DATAS):
            info = tarfile.TarInfo(f"{number}.mp4")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def tar_members(tmp: Path) -> Made:
    archive = kept(tarfile.open(archived(tmp / "a.tar")))
    return [(archive.extractfile(name), DATAS[int(name[0])]) for name in archive.getnames()]


def compressed_tar_members(tmp: Path) -> Made:
    archive = kept(tarfile.open(archived(tmp / "a.tar.gz", "w:gz")))
    return [(archive.extractfile(name), DATAS[int(name[0])]) for name in archive.getnames()][:2]


def members_in_memory(tmp: Path) -> Made:
    archive = kept(tarfile.open(fileobj=io.BytesIO(archived(tmp / "a.tar").read_bytes())))
    return [(archive.extractfile(name), DATAS[int(name[0])]) for name in archive.getnames()]


def a_member_and_its_archive(tmp: Path) -> Made:
    path = archived(tmp / "a.tar")
    file = kept(path.open("rb"))
    members = kept(tarfile.open(fileobj=file))
    member = members.extractfile("2.mp4")
    file.seek(1000)
    return [(member, DATAS[2]), (file, path.read_bytes()[1000:]), (member.raw, DATAS[2])]


def zip_members(tmp: Path, method: int = zipfile.ZIP_STORED) -> Made:
    with zipfile.ZipFile(tmp / "a.zip", "w", method) as archive:
        for number, data in enumerate(DATAS):
            archive.writestr(f"{number}.mp4", data)
    file = kept((tmp / "a.zip").open("rb"))
    archive = kept(zipfile.ZipFile(file))
    return [(archive.open(f"{n}.mp4"), data) for n, data in enumerate(DATAS)]


def nested(tmp: Path, outer: int, inner: int) -> Made:
    """Return members of an archive in an archive in an archive, and of those in between."""
    tar, path = archived(tmp / "a.tar"), tmp / "b.zip"
    for at, method in ((path, inner), (tmp / "c.zip", outer)):
        with zipfile.ZipFile(at, "w", method) as archive:
            archive.write(tar, "inner")
            archive.writestr("9.mp4", DATAS[3])
        tar = at
    top = kept(zipfile.ZipFile(tmp / "c.zip"))
    middle = kept(zipfile.ZipFile(kept(top.open("inner"))))
    last = kept(tarfile.open(fileobj=kept(middle.open("inner"))))
    members = [(last.extractfile(name), DATAS[int(name[0])]) for name in last.getnames()[:2]]
    return [*members, *((kept(archive.open("9.mp4")), DATAS[3]) for archive in (middle, top))]


def duplicated(tmp: Path) -> Made:
    file = kept(written(tmp / "a.mp4").open("rb"))
    file.seek(20_000)
    copies = [os.fdopen(os.dup(file.fileno()), "rb", buffering) for buffering in (0, -1, 50_000)]
    return [(each, DATA[20_000:]) for each in (file, *map(kept, copies))]


def with_its_raw(tmp: Path) -> Made:
    file = kept(written(tmp / "a.mp4").open("rb"))
    return [(file, DATA), (file.raw, DATA)]


def for_writing(tmp: Path) -> Made:
    file = kept((tmp / "a.mp4").open("w+b"))
    file.write(DATA)
    file.seek(0)
    return [(file, DATA), (file.raw, DATA)]


def temporary(tmp: Path) -> Made:
    file = kept(tempfile.NamedTemporaryFile(dir=tmp))
    file.write(DATA)
    file.seek(0)
    return [(file, DATA), (file.file, DATA), (file.raw, DATA)]


def spooled(_: Path) -> Made:
    file: Any = kept(tempfile.SpooledTemporaryFile(10))
    file.write(DATA)
    file.seek(0)
    return [(file, DATA), (file._file, DATA)]


def opened_twice(tmp: Path) -> Made:
    """Return files of one path that have nothing in common but what they read."""
    plain, zipped = written(tmp / "a.mp4"), written(tmp / "a.gz", gzip.compress(DATA))
    files = [(kept(plain.open("rb")), DATA) for _ in range(3)]
    return [*files, *((kept(gzip.open(zipped)), DATA) for _ in range(3))]


RIGHT: dict[str, Make] = {
    "members of a tar archive": tar_members,
    "members of a compressed tar archive": compressed_tar_members,
    "members of a tar archive in memory": members_in_memory,
    "members of a zip archive": zip_members,
    "compressed members of a zip archive": lambda tmp: zip_members(tmp, zipfile.ZIP_DEFLATED),
    "members of archives in archives": lambda tmp: nested(tmp, 0, 0),
    "members of compressed archives in archives": lambda tmp: nested(tmp, zipfile.ZIP_DEFLATED, 0),
    "a path that was opened several times": opened_twice,
}


async def sent(client: AsyncTwelveLabs, made: Made, above: int) -> list[Any]:
    uploads = [
        client.upload((f"{number}.mp4", file), multipart_above=above)
        for number, (file, _) in enumerate(made)
    ]
    return await asyncio.gather(*uploads, return_exceptions=True)


@pytest.mark.parametrize("above", [0, 10**9])
@pytest.mark.parametrize("what", RIGHT)
async def test_files_that_share_a_position_arrive_at_once(
    what: str, above: int, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Each from where it stood, byte for byte, in chunks and in one request."""
    made = RIGHT[what](tmp_path)
    for outcome, (_, data) in zip(await sent(client, made, above), made, strict=True):
        assert await read_asset(emulator, outcome.id) == data
    one, data = made[0]
    again = await client.upload(("again.mp4", one), multipart_above=above)
    assert await read_asset(emulator, again.id) == data


def decompressed(tmp: Path, module: Any) -> Made:
    file = kept(written(tmp / "a.z", module.compress(DATA)).open("rb"))
    return [(kept(module.open(file)), DATA), (kept(module.open(file)), DATA)]


def zip_member_and_archive(tmp: Path) -> Made:
    path = tmp / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", DATA)
    file = kept(path.open("rb"))
    member = kept(kept(zipfile.ZipFile(file)).open("a"))
    file.seek(0)
    return [(file, path.read_bytes()), (member, DATA)]


def decompressed_and_not(tmp: Path) -> Made:
    path = written(tmp / "a.gz", gzip.compress(DATA))
    file = kept(path.open("rb"))
    return [(file, path.read_bytes()), (kept(gzip.open(file)), DATA)]


@frozen(eq=False)
class Wrapper:
    """An object that hides how it reads what is beneath."""

    file: Any

    def read(self, size: int = -1) -> Any:
        return self.file.read(size)

    def seek(self, offset: int, whence: int = 0) -> Any:
        return self.file.seek(offset, whence)

    def tell(self) -> Any:
        return self.file.tell()


@frozen(eq=False)
class ReadOnce:
    """An object that is read only once."""

    file: Any

    def read(self, size: int = -1) -> Any:
        return self.file.read(size)


def wrapped(tmp: Path, kind: Callable[[Any], Any], count: int) -> Made:
    file = kept(written(tmp / "a.mp4").open("rb"))
    return [(file, DATA)] * (2 - count) + [(kind(file), DATA) for _ in range(count)]


def ends_of_a_pipe(_: Path) -> Made:
    reading, writing = os.pipe()

    def write() -> None:
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as end:
            end.write(DATA)

    threading.Thread(target=write).start()
    pipe = kept(os.fdopen(reading, "rb"))
    return [(pipe, DATA), (kept(os.fdopen(os.dup(reading), "rb")), DATA)]


def streamed_members(tmp: Path) -> Made:
    archive = kept(tarfile.open(archived(tmp / "a.tar"), "r|"))
    first = archive.next()
    member = archive.extractfile(first)
    return [(member, DATA), (archive.extractfile(first), DATA)]


def gzip_over_duplicates(tmp: Path) -> Made:
    file = kept(written(tmp / "a.gz", gzip.compress(DATA)).open("rb"))
    copy = kept(os.fdopen(os.dup(file.fileno()), "rb"))
    return [(kept(gzip.open(each)), DATA) for each in (file, copy)]


def archives_of_duplicates(tmp: Path) -> Made:
    zip_members(tmp)
    file = kept((tmp / "a.zip").open("rb"))
    copy = kept(os.fdopen(os.dup(file.fileno()), "rb"))
    archives = [kept(zipfile.ZipFile(each)) for each in (file, copy, copy)]
    return [(kept(archive.open("0.mp4")), DATA) for archive in archives]


def bodies_of_members(tmp: Path) -> Made:
    return [(ReadOnce(member), data) for member, data in tar_members(tmp)]


ONE_AT_A_TIME: dict[str, Make] = {
    "duplicated descriptors": duplicated,
    "two gzip files over duplicated descriptors": gzip_over_duplicates,
    "archives over duplicated descriptors, and over one file": archives_of_duplicates,
    "a file and its raw one": with_its_raw,
    "a file for reading and writing, and its raw one": for_writing,
    "a temporary file, and what it wraps": temporary,
    "a spooled file, and what it wraps": spooled,
    "bodies of members": bodies_of_members,
    "two gzip files over one": lambda tmp: decompressed(tmp, gzip),
    "two bz2 files over one": lambda tmp: decompressed(tmp, bz2),
    "two lzma files over one": lambda tmp: decompressed(tmp, lzma),
    "a gzip file and the one beneath": decompressed_and_not,
    "a member of a tar archive and its file": a_member_and_its_archive,
    "a member of a zip archive and its file": zip_member_and_archive,
    "a wrapper and its file": lambda tmp: wrapped(tmp, Wrapper, 1),
    "two wrappers of a file": lambda tmp: wrapped(tmp, Wrapper, 2),
    "a body and its file": lambda tmp: wrapped(tmp, ReadOnce, 1),
    "two bodies of a file": lambda tmp: wrapped(tmp, ReadOnce, 2),
    "two descriptors of a pipe": ends_of_a_pipe,
    "two files of a member that comes once": streamed_members,
}


@pytest.mark.parametrize("what", ONE_AT_A_TIME)
async def test_a_position_that_nobody_can_come_back_to_is_in_one_upload_at_a_time(
    what: str, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """The second is refused unless the first was over; what arrives is as if nothing had been."""
    made = ONE_AT_A_TIME[what](tmp_path)
    refused, arrived = 0, 0
    for outcome, (_, data) in zip(await sent(client, made, 10**9), made, strict=True):
        if isinstance(outcome, UploadError):
            assert "open it a second time" in str(outcome)
            refused += 1
        else:
            assert await read_asset(emulator, outcome.id) == data
            arrived += 1
    assert arrived
    assert refused + arrived == len(made)


@pytest.mark.parametrize("what", ONE_AT_A_TIME)
async def test_the_others_are_refused_while_the_first_is_under_way(
    what: str, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Before a request is sent; the first is not disturbed."""
    (first, _), *others = ONE_AT_A_TIME[what](tmp_path)
    stall = emulator.faults.add(Fault(route="create_asset", action=Stall("middle")))
    under_way = asyncio.create_task(client.upload(("0.mp4", first), spool=False))
    while not stall.hits:
        await asyncio.sleep(0.001)
    for other, _ in others:
        with pytest.raises(UploadError, match="open it a second time"):
            await client.upload(("1.mp4", other), spool=False)
    assert (emulator.requests, stall.seen) == ([], 1)
    under_way.cancel()
    await asyncio.gather(under_way, return_exceptions=True)


async def test_members_of_one_archive_are_opened_while_others_are_uploaded(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """The caller opens and reads others under the lock of the archive, and is not disturbed."""
    path, count = tmp_path / "a.zip", 40
    contents = {f"{number}.mp4": DATAS[number % 4] for number in range(count)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    found, over = list[bool](), threading.Event()
    with zipfile.ZipFile(path) as archive:

        def read() -> None:
            while not over.is_set():
                for name, data in contents.items():
                    try:
                        found.append(archive.read(name) == data)
                    except (EOFError, zipfile.BadZipFile):
                        found.append(False)

        async def upload(names: Iterator[str]) -> None:
            for name in names:
                with archive.open(name) as member:
                    asset = await client.upload(member, filename=name, multipart_above=0)
                assert await read_asset(emulator, asset.id) == contents[name]

        reader = threading.Thread(target=read)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-4)
        reader.start()
        try:
            names = iter(contents)
            await asyncio.gather(*[upload(names) for _ in range(4)])
        finally:
            sys.setswitchinterval(interval)
            over.set()
            reader.join()
    assert found
    assert all(found)


async def test_a_member_that_is_not_compressed_is_read_where_it_is(tmp_path: Path) -> None:
    """Though the caller leaves the archive elsewhere, and slices are read in any order."""
    (member, data), (other, _), *_ = zip_members(tmp_path)
    view = memoryview(bytearray(1000))
    async with open_handle("it", member, Threads()) as source:
        assert isinstance(source, HandleSource)
        for offset in (0, 200_000, 100_000, 250_000):
            other.seek(0)
            other.read(50_000)
            assert await source.read_into(view, offset) == 1000
            assert view == data[offset : offset + 1000]


async def test_a_file_whose_upload_is_over_is_the_callers_again(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """While others of the same path are uploaded: where it was put since is where it stands."""
    path = written(tmp_path / "a.mp4")
    with path.open("rb") as file, path.open("rb") as slow, path.open("rb") as other:
        stall = emulator.faults.add(Fault(route="put", chunk_index=2, action=Stall("middle")))
        under_way = asyncio.create_task(client.upload(("slow.mp4", slow), multipart_above=0))
        while not stall.hits:
            await asyncio.sleep(0.001)
        await client.upload(("one.mp4", file), multipart_above=0)
        file.seek(100_000)
        again = await client.upload(("again.mp4", file), multipart_above=0)
        assert await read_asset(emulator, again.id) == DATA[100_000:]
        file.seek(123)
        await client.upload(("other.mp4", other), multipart_above=0)
        assert file.tell() == 123
        assert await read_asset(emulator, (await under_way).id) == DATA

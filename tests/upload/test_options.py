"""Each option of an upload is written once, and every way in takes the same ones."""

import inspect
import os
import pydoc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from support import files
from support.files import MakeFile

from twelvelabs_async import AsyncTwelveLabs, InvalidArgumentError, MultipartUploadClient
from twelvelabs_async._cli.app import app
from twelvelabs_async._cli.flags import CONCURRENCY
from twelvelabs_async._upload.options import (
    AssetOptions,
    ResumeCall,
    ResumeOptions,
    SendOptions,
    UploadCall,
    UploadFileCall,
    UploadOptions,
)
from twelvelabs_async.emulator import Emulator

WAYS: dict[str, tuple[Callable[..., Any], type[Any]]] = {
    "upload": (AsyncTwelveLabs.upload, UploadCall),
    "upload_file": (MultipartUploadClient.upload_file, UploadFileCall),
    "resume": (MultipartUploadClient.resume, ResumeCall),
}
GROUPS = (SendOptions, AssetOptions, UploadOptions, ResumeOptions)
ROW = re.compile(r"^\| `(\w+)=`: [^|]+ \| `?([^|`]+)`? \| (.+) \|$", re.MULTILINE)
UNSAID = {"None": {"none", "the file's", "by the name", "the platform's", "the client's"}}
"""What the README says instead of a default that Python spells otherwise."""

WRONG: dict[str, object] = {
    "batch_size": 0,
    "max_workers": True,
    "max_retries": -1,
    "retry_delay": "1",
    "progress_callback": "x",
    "journal": "directory",
    "if_busy": "sleep",
    "verify": "md5",
    "digest": "md5",
    "request_options": 5,
    "filename": " ",
    "file_type": "film",
    "enable_hls": "yes",
    "enable_thumbnail": 1,
    "user_metadata": "text",
    "resume_key": "",
    "resume": "no",
    "if_ended": "wait",
    "keep_result": None,
    "multipart_above": -1,
    "size": 0,
    "spool": "yes",
    "wait_until_ready": 2,
    "ready_timeout": 0,
    "asset_id": "a/b",
    "upload_headers": {"a": "b\n"},
}
"""For each option, a value that can never be right."""


def options_of(call: type[Any]) -> set[str]:
    """Return the names of the options of a way in."""
    parameters = inspect.signature(call).parameters.values()
    return {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


def own(group: type[Any]) -> list[str]:
    """Return the names of the options that a class itself defines."""
    return [each.name for each in attrs.fields(group) if not each.inherited]


def test_each_option_has_one_definition() -> None:
    """No two classes of options have a name in common, and a call adds none."""
    defined = [name for group in GROUPS for name in own(group)]
    assert len(defined) == len(set(defined))
    assert set().union(*(options_of(call) for _, call in WAYS.values())) == set(defined)
    assert set(WRONG) == set(defined)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_in_has_the_signature_of_its_options(name: str) -> None:
    """Every name, type and default, behind self; what it returns is annotated, too."""
    method, call = WAYS[name]
    self, *parameters = inspect.signature(method).parameters.values()
    assert self.name == "self"
    assert parameters == list(inspect.signature(call).parameters.values())
    assert inspect.signature(method).return_annotation is not inspect.Signature.empty
    assert inspect.iscoroutinefunction(method)


@pytest.mark.parametrize("name", WAYS)
def test_help_shows_every_option_with_its_default_and_meaning(name: str) -> None:
    """Once each, in the section of the arguments."""
    method, call = WAYS[name]
    shown = pydoc.plain(pydoc.render_doc(method))
    assert shown.count("Args:") == 1
    for each in attrs.fields(call):
        meaning = each.metadata["doc"].split()[0]
        assert len(re.findall(rf"^ +{each.name}: {re.escape(meaning)}", shown, re.MULTILINE)) == 1
        if each.default is not attrs.NOTHING:
            assert f" = {each.default!r}" in shown


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, (_, call) in WAYS.items() for option in sorted(options_of(call))],
)
async def test_a_wrong_value_is_refused_before_any_byte_is_sent(
    name: str, option: str, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """By every way in that takes the option, in the same words, which name it."""
    given = {option: WRONG[option]}
    before = ["upload"] if name == "resume" else []
    owner = client if name == "upload" else client.multipart_upload
    with pytest.raises(InvalidArgumentError) as caught:
        await getattr(owner, name)(*before, make_file(2_500), **given)
    argument = caught.value.argument
    assert argument is not None
    assert argument.startswith(option)
    assert str(caught.value).startswith(option)
    assert emulator.requests == []


@pytest.mark.parametrize("name", WAYS)
async def test_python_names_the_method_where_an_argument_is_unknown_or_missing(
    name: str, client: AsyncTwelveLabs
) -> None:
    """And not the class of its options, of which callers know nothing."""
    owner = client if name == "upload" else client.multipart_upload
    for options in ({}, {"batch": 5}):
        with pytest.raises(TypeError, match=rf"^\w+\.{name}\(\)"):
            await getattr(owner, name)(**options)


def test_the_readme_says_which_way_in_takes_which_option() -> None:
    """With its default, and a note for each gap."""
    readme = (files.ROOT / "README.md").read_text(encoding="utf-8")
    rows = {name: (default, cells.split(" | ")) for name, default, cells in ROW.findall(readme)}
    assert set(rows) == set(WRONG)
    flags = {
        flag for argument in app["upload"].assemble_argument_collection() for flag in argument.names
    }
    for option, (default, cells) in rows.items():
        for (_, call), cell in zip(WAYS.values(), cells, strict=False):
            assert (cell == "yes") is (option in options_of(call)), f"{option}: {cells}"
            if option in options_of(call):
                real = str(getattr(attrs.fields(call), option).default)
                assert default == real or default in UNSAID.get(real, ()), option
        assert all(cell == "yes" or cell.startswith("no ") for cell in cells[:3])
        command_line = cells[3]
        assert command_line.strip("`") in flags or command_line.startswith("no "), option


def test_the_command_line_has_the_defaults_of_the_options() -> None:
    """A figure that both know is written once."""
    assert attrs.fields(UploadCall).max_workers.default == CONCURRENCY


@pytest.mark.parametrize("above", [0, 10_000])
async def test_an_upload_opens_its_file_once(
    above: int,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its size comes from what was opened, whichever way it goes."""
    path, opened = make_file(2_500), list[object]()
    real = os.open

    def counted(name: Any, *rest: Any, **named: Any) -> int:
        opened.append(name)
        return real(name, *rest, **named)

    monkeypatch.setattr("os.open", counted)
    asset = await client.upload(path, multipart_above=above)
    assert (asset.result is None) is (above > 0)
    assert [each for each in opened if Path(str(each)) == path] == [path]


def test_what_is_uploaded_is_not_written_out_with_its_call() -> None:
    """As a tool that reports errors does with each local variable: it may be gigabytes."""
    assert len(repr(UploadCall(source=bytes(10**6)))) < 10_000

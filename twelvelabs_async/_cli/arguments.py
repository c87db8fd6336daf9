"""What the user asked ``upload`` for, checked before anything is done."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from twelvelabs_async import CreateAssetUploadRequestType, UserMetadata
from twelvelabs_async._cli.client_from_environment import check_key
from twelvelabs_async._cli.flags import CONCURRENCY
from twelvelabs_async._cli.outcomes import STDIN, GivenSource, WrongUsageError
from twelvelabs_async._cli.output import command_line
from twelvelabs_async._cli.readiness import Wait
from twelvelabs_async._http import json_text
from twelvelabs_async._http.user_metadata import checked_metadata
from twelvelabs_async.models.uploads import UserMetadataValue


@frozen(kw_only=True)
class UploadArguments:
    """What the user asked for; see the command's own help.

    Attributes:
        size: Bytes of the one file; None: as many as there are.
        metadata: Kept with each asset; None: nothing.
        wait: What to wait for when a file has arrived; None: nothing.
        restart: Whether to forget what an earlier attempt has sent.
        journaled: Whether to write down what is sent, for a later attempt.
    """

    files: Sequence[str]
    urls: Sequence[str]
    file_type: CreateAssetUploadRequestType | None
    filename: str | None
    concurrency: int
    hls: bool
    thumbnail: bool
    metadata: UserMetadata | None
    wait: Wait | None
    base_url: str | None
    emulated: bool
    size: int | None = None
    restart: bool = False
    journaled: bool = True
    as_json: bool = False

    def __attrs_post_init__(self) -> None:
        self._check_sources()
        if self.metadata is not None:
            checked_metadata(self.metadata)
        if self.emulated and self.base_url is not None:
            raise WrongUsageError("--emulator has its own base URL: leave out --base-url")
        if not self.emulated:
            check_key(otherwise=", or try --emulator")

    def _check_sources(self) -> None:
        if not self.sources:
            raise WrongUsageError("there is nothing to upload: name a FILE, or a --url")
        if self.files and self.urls:
            raise WrongUsageError("--url stands instead of FILE: leave out one of them")
        if self.filename is not None and len(self.sources) > 1:
            raise WrongUsageError(f"--filename is for one FILE, not {len(self.sources)}")
        if self.size is not None and (self.urls or len(self.files) > 1):
            raise WrongUsageError("--size is for one FILE")
        if STDIN in self.files and self.filename is None:
            raise WrongUsageError(f"{STDIN} is standard input, which has no name: pass --filename")
        if self.file_type is not None and self.urls:
            raise WrongUsageError("--type is for a FILE; of a --url the platform finds it out")

    @property
    def sources(self) -> list[GivenSource]:
        """What is to be uploaded, in the user's arguments."""
        files = [GivenSource("path", name) for name in self.files]
        return files + [GivenSource("url", name) for name in self.urls]

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of ``client.upload``."""
        return {
            **self.creation,
            "file_type": self.file_type,
            "size": self.size,
            "multipart_above": 0,
            "max_workers": self.concurrency,
            "resume": not self.restart,
            "if_busy": "wait",
            "keep_result": True,
        }

    @property
    def creation(self) -> Mapping[str, Any]:
        """Those of them that describe the asset."""
        return {
            "filename": self.filename,
            "enable_hls": self.hls or None,
            "enable_thumbnail": self.thumbnail or None,
            "user_metadata": self.metadata,
        }

    def upload_command(self, sources: Collection[GivenSource]) -> str:
        """Return the command, quoted for a shell, that goes on with some of the sources.

        It is this one again, without ``--restart``, which would throw away what there is.
        """
        flags = {"--json": self.as_json, "--wait": self.wait, "--no-journal": not self.journaled}
        options: dict[str, object] = {
            "--type": self.file_type,
            "--filename": self.filename,
            "--size": self.size,
            "--concurrency": None if self.concurrency == CONCURRENCY else self.concurrency,
        }
        words = ["upload", *_flags(flags), *_flags(self._made), *_options(options)]
        words += _options(self._shared)
        for key, value in (self.metadata or {}).items():
            words += _options({"--metadata": f"{key}={_text(value)}"})
        for source in self.sources:
            if source.kind == "url" and source in sources:
                words += _options({"--url": source.name})
        files = [each for each in self.files if GivenSource("path", each) in sources]
        hyphen = any(each.startswith("-") and each != STDIN for each in files)
        ends_options = ["--"] if hyphen else []
        return command_line([*words, *ends_options, *files])

    def wait_command(self, asset_ids: Iterable[str]) -> str:
        """Return the command, quoted for a shell, that goes on waiting for assets."""
        words = ["assets", "wait", *_flags({"--json": self.as_json}), *_flags(self._made)]
        return command_line([*words, *_options(self._shared), *asset_ids])

    @property
    def _made(self) -> Mapping[str, object]:
        return {"--hls": self.hls, "--thumbnail": self.thumbnail}

    @property
    def _shared(self) -> Mapping[str, object]:
        timeout = None if self.wait is None else self.wait.timeout
        return {"--timeout": timeout, "--base-url": self.base_url}


def _flags(chosen: Mapping[str, object]) -> list[str]:
    return [name for name, wanted in chosen.items() if wanted]


def _options(chosen: Mapping[str, object]) -> list[str]:
    words = list[str]()
    for name, value in chosen.items():
        if value is not None:
            text = str(value)
            words += [f"{name}={text}"] if text.startswith("-") else [name, text]
    return words


def chosen_wait(*, wait: bool, hls: bool, thumbnail: bool, timeout: float | None) -> Wait | None:
    """Return what to wait for once a file has arrived; None: nothing.

    Raises:
        WrongUsageError: There is a timeout, and nothing to wait for.
        InvalidArgumentError: The timeout can never be right.
    """
    if wait:
        return Wait(hls=hls, thumbnail=thumbnail, timeout=timeout)
    if timeout is not None:
        raise WrongUsageError("--timeout is for --wait")
    return None


def parse_metadata(pairs: Iterable[str]) -> UserMetadata | None:
    """Return what ``KEY=VALUE`` pairs mean; None: there are none.

    Raises:
        WrongUsageError: One is no pair, or a key is there twice.
    """
    found: dict[str, UserMetadataValue] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not (key and equals):
            raise WrongUsageError(f"--metadata must be KEY=VALUE, not {pair!r}")
        if key in found:
            raise WrongUsageError(f"--metadata has the key {key!r} twice")
        found[key] = _value(text)
    return found or None


def _text(value: UserMetadataValue) -> str:
    """Return a text that ``_value`` reads as ``value``."""
    if isinstance(value, str) and _value(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _value(text: str) -> UserMetadataValue:
    try:
        value: object = json_text.parse(text.encode())
    except ValueError:  # not JSON, not finite, or an unpaired surrogate
        return text
    return value if isinstance(value, str | int | float | None) else text

"""The commands and their options, and what becomes of a command: always an exit code."""

import os
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter, Token, UnknownCommandError
from cyclopts.validators import Number

from twelvelabs_async import CreateAssetUploadRequestType, InvalidArgumentError
from twelvelabs_async._cli import interrupts
from twelvelabs_async._cli.arguments import UploadArguments, chosen_wait, parse_metadata
from twelvelabs_async._cli.asset_app import assets
from twelvelabs_async._cli.emulate import Settings, Size, emulate, parse_size
from twelvelabs_async._cli.flags import CONCURRENCY, in_flags
from twelvelabs_async._cli.outcomes import FAILED, INTERRUPTED, WRONG_USAGE, WrongUsageError
from twelvelabs_async._cli.output import (
    OutputGoneError,
    never_fail_on_letters,
    print_end,
    print_error,
)
from twelvelabs_async._cli.upload import upload as upload_files
from twelvelabs_async._core.version import __version__
from twelvelabs_async.models.media_types import asset_type, is_document

HELP = (
    "Upload video, audio and images to the TwelveLabs platform, and manage them.\n\n"
    "The API key is taken from TWELVE_LABS_API_KEY or TWELVELABS_API_KEY, and from nowhere else: "
    "a key that is typed on a command line stays in the shell's history. Without a key, try the "
    "embedded emulator:\n\n"
    "    twelvelabs-async upload --emulator clip.mp4\n\n"
    "Exit codes: 0 done, 1 something failed, 2 wrong usage; 130 after Ctrl-C, 143 after SIGTERM, "
    "129 after SIGHUP. The emulator command exits with 0 after these."
)
UPLOAD_HELP = (
    "Upload files, four at a time, with a progress bar for each on a terminal.\n\n"
    "Video, audio and images go in chunks, documents (PDF, text, Markdown) in one request; a --url "
    "is fetched by the platform. The VALUE of --metadata is a number, true, false or null where it "
    "reads as such in JSON, and text otherwise; in double quotes, as JSON has them, it is text in "
    "any case.\n\n"
    "The API key is taken from TWELVE_LABS_API_KEY or TWELVELABS_API_KEY, proxies from HTTPS_PROXY "
    "and NO_PROXY. Ctrl-C ends it; after that, or a crash, the same command goes on from there. "
    "For this, progress is recorded in the user's state directory.\n\n"
    "    twelvelabs-async upload --json talk.mp4 interview.wav\n"
    "    twelvelabs-async upload --wait --hls --metadata year=2026 talk.mp4"
)
EMULATOR_HELP = (
    "Emulate the platform on this machine until Ctrl-C, for any client of the upload API.\n\n"
    "As the API reference asks, a client must send the upload_headers of its session with each "
    "PUT, or the PUT is refused. The official SDK does not send them: for it, add "
    "--no-upload-headers.\n\n"
    "    twelvelabs-async emulator --port 8080 --chunk-size 5MiB"
)

app = App(
    name="twelvelabs-async",
    help=HELP,
    help_format="plaintext",
    version=f"twelvelabs-async {__version__}",
    default_parameter=Parameter(negative=()),
)
app.command(assets)


def _size(_type: object, tokens: Sequence[Token]) -> Size:
    return parse_size(tokens[0].value)


@app.command(help=UPLOAD_HELP, usage="Usage: twelvelabs-async upload [OPTIONS] FILE...")
def upload(
    files: Annotated[
        list[str] | None,
        Parameter(name="FILE", help="What to upload; one or more. -: standard input."),
    ] = None,
    /,
    *,
    urls: Annotated[
        list[str] | None,
        Parameter(
            name="--url", help="A URL that the platform fetches, instead of a FILE; repeatable."
        ),
    ] = None,
    type_: Annotated[
        CreateAssetUploadRequestType | None,
        Parameter(name="--type", help="What the files are; otherwise their names' extensions say."),
    ] = None,
    filename: Annotated[str | None, Parameter(help="Asset name (only with one FILE).")] = None,
    size: Annotated[
        Size | None,
        Parameter(
            converter=_size,
            help="Bytes of standard input, to send it while it comes (only with one FILE).",
        ),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        Parameter(name="--metadata", help="KEY=VALUE, kept with each asset; repeatable."),
    ] = None,
    hls: Annotated[bool, Parameter(show_default=False, help="Ask for an HLS stream.")] = False,
    thumbnail: Annotated[bool, Parameter(show_default=False, help="Ask for a thumbnail.")] = False,
    wait: Annotated[
        bool,
        Parameter(
            show_default=False,
            help="Wait until each asset is ready, with the stream and thumbnail asked for.",
        ),
    ] = False,
    timeout: Annotated[
        float | None,
        Parameter(help="With --wait: seconds to wait at most; otherwise as long as it takes."),
    ] = None,
    concurrency: Annotated[
        int,
        Parameter(validator=Number(gte=1), help="Chunks of each file under way at once."),
    ] = CONCURRENCY,
    json: Annotated[
        bool,
        Parameter(
            show_default=False, help="Write one line of JSON for each file to standard output."
        ),
    ] = False,
    emulator: Annotated[
        bool,
        Parameter(
            show_default=False,
            help="Upload to an embedded emulator, fetch each asset back, compare SHA-256. Nothing "
            "leaves this machine; a copy of each file is kept until the end.",
        ),
    ] = False,
    restart: Annotated[
        bool,
        Parameter(
            show_default=False,
            help="Upload from the beginning, even if an earlier attempt sent a part of a FILE.",
        ),
    ] = False,
    no_journal: Annotated[
        bool,
        Parameter(
            show_default=False,
            help="Record nothing; a later attempt cannot go on where this one ended.",
        ),
    ] = False,
    base_url: Annotated[
        str | None,
        Parameter(
            help="URL of the platform's API; default: TWELVELABS_BASE_URL, else the public API."
        ),
    ] = None,
) -> int:
    """Upload files; see ``UPLOAD_HELP``."""
    arguments = UploadArguments(
        files=files or [],
        urls=urls or [],
        file_type=type_,
        filename=filename,
        size=size,
        concurrency=concurrency,
        hls=hls,
        thumbnail=thumbnail,
        metadata=parse_metadata(metadata or []),
        wait=chosen_wait(wait=wait, hls=hls, thumbnail=thumbnail, timeout=timeout),
        base_url=base_url,
        emulated=emulator,
        restart=restart,
        journaled=not (no_journal or emulator),
        as_json=json,
    )
    return interrupts.run(partial(upload_files, arguments))


@app.command(help=EMULATOR_HELP)
def emulator(
    *,
    host: Annotated[str, Parameter(help="A loopback address.")] = "127.0.0.1",
    port: Annotated[
        int,
        Parameter(validator=Number(gte=0, lte=65535), help="Port of the API; 0: any free one."),
    ] = 0,
    data_dir: Annotated[
        Path | None,
        Parameter(help="Where to keep what is sent; otherwise it is removed at the end."),
    ] = None,
    chunk_size: Annotated[
        Size | None,
        Parameter(
            converter=_size,
            help="Bytes in a chunk, such as 5MiB; otherwise chosen by the file's size.",
        ),
    ] = None,
    api_key: Annotated[
        str, Parameter(help="The API key to accept; any text. It is printed at the start.")
    ] = "emulator-key",
    no_upload_headers: Annotated[
        bool, Parameter(show_default=False, help="Ask for no headers with a PUT.")
    ] = False,
    json: Annotated[
        bool,
        Parameter(show_default=False, help="Write one line of JSON: base_url, store_url, api_key."),
    ] = False,
) -> int:
    """Run an emulator; see ``EMULATOR_HELP``."""
    settings = Settings(
        host=host,
        port=port,
        data_dir=data_dir,
        chunk_size=chunk_size,
        api_key=api_key,
        upload_headers={} if no_upload_headers else None,
        as_json=json,
    )
    return interrupts.run(partial(emulate, settings))


def run(tokens: Sequence[str]) -> int:
    """Carry out a command line, without the program's name, and return its exit code."""
    never_fail_on_letters()
    try:
        command, bound, *_ = app.parse_args(
            _stdin_last(tokens), exit_on_error=False, print_error=False
        )
        exit_code: int | None = command(*bound.args, **bound.kwargs)
    except UnknownCommandError as error:
        print_error(f"error: {_unknown(tokens) or error} (see --help)")
        return WRONG_USAGE
    except (CycloptsError, WrongUsageError, InvalidArgumentError) as error:
        problem = in_flags(error) if isinstance(error, InvalidArgumentError) else str(error)
        print_error(f"error: {problem.strip()} (see --help)")
        return WRONG_USAGE
    except OutputGoneError as error:
        print_error(f"error: cannot write the results: {error}")
        return FAILED
    except KeyboardInterrupt:
        print_end("interrupted")
        return INTERRUPTED
    return exit_code or 0


def _stdin_last(tokens: Sequence[str]) -> Sequence[str]:
    """Return a line with ``-``, which is standard input, where it is not taken for an option."""
    if "-" not in tokens or tokens[0] != "upload":
        return tokens
    end = tokens.index("--") if "--" in tokens else len(tokens)
    before, after = tokens[:end], tokens[end + 1 :]
    others = [word for word in before if word != "-"]
    return [*others, "--", *["-"] * before.count("-"), *after]


def _unknown(tokens: Sequence[str]) -> str | None:
    """Suggest the line that was probably meant; None: there is none to suggest."""
    meant = _meant(tokens)
    if meant is None or not _can_be_parsed(meant):
        return None
    wrong = next(typed for typed, right in zip(tokens, meant, strict=False) if typed != right)
    line = shlex.join(["twelvelabs-async", *meant])
    return f"there is no command {wrong!r}; did you mean: {line}"


def _meant(tokens: Sequence[str]) -> list[str] | None:
    """Return the line with its command in the first place; None: no other line is likely."""
    first, words = tokens[0], tokens[0].split()
    if len(words) > 1 and words[0] in app and not os.path.isfile(first):  # noqa: PTH113
        return [*words, *tokens[1:]]  # a whole line in one pair of quotes
    command, rest = _split(tokens)
    if command and (first in app or first.startswith("-") or _is_file(first)):
        line = [*command, *rest]
        return None if line == list(tokens) else line
    if _is_file(first) or (first.startswith("-") and any(map(_is_file, tokens))):
        return ["upload", *(["--url"] if "://" in first else []), *tokens]
    return None


def _split(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of the command that stand somewhere in a line, and all others."""
    command, rest, known = list[str](), list[str](), app
    for token in tokens:
        if token in known and not token.startswith("-"):
            command.append(token)
            known = known[token]
        else:
            rest.append(token)
    return command, rest


def _can_be_parsed(tokens: Sequence[str]) -> bool:
    try:
        app.parse_args(tokens, exit_on_error=False, print_error=False)
    except (CycloptsError, WrongUsageError, InvalidArgumentError):
        return False
    return True


def _is_file(token: str) -> bool:
    known = asset_type(token) is not None or is_document(token)
    return known or os.path.isfile(token)  # noqa: PTH113 - never raises

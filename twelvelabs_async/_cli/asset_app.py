"""The commands of ``assets`` and their options."""

from functools import partial
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from twelvelabs_async._cli import interrupts
from twelvelabs_async._cli.assets import (
    Filters,
    Subject,
    delete_assets,
    list_assets,
    show_asset,
    wait_for_assets,
)
from twelvelabs_async._cli.readiness import Wait
from twelvelabs_async._cli.transcription import DEFAULT, Segmentation, show_transcription

HELP = (
    "List, show, transcribe and delete assets, or wait until they can be used.\n\n"
    "The API key is taken from TWELVE_LABS_API_KEY or TWELVELABS_API_KEY. With --json, each asset "
    "is one line of JSON, under the names of the library's attributes.\n\n"
    "    twelvelabs-async assets list --filename holiday"
)
LIST_HELP = (
    "List assets, newest first.\n\n"
    "Repeat a filter to match any of several values.\n\n"
    "    twelvelabs-async assets list --json --type video | jq -r .id"
)
SHOW_HELP = (
    "Show everything that the platform says about one asset.\n\n"
    "The output includes the URLs of stream and thumbnail, which may be signed. Details of each "
    "stream are shown only with --json.\n\n"
    "    twelvelabs-async assets show --json 6650a0c2e4b0a1b2c3d4e5f6 | jq .technical_metadata"
)
TRANSCRIPTION_HELP = (
    "Write the transcription of a video or audio asset.\n\n"
    "Each word, sentence or utterance is one line with its time. The platform transcribes "
    "asynchronously: where the transcription is not ready yet, one line on standard error says its "
    "status and the exit code is 1. With --json, the object has the status.\n\n"
    "    twelvelabs-async assets transcription --include sentences 6650a0c2e4b0a1b2c3d4e5f6"
)
DELETE_HELP = (
    "Delete assets, at once and for good.\n\n"
    "There is no confirmation. What indexed assets refer to is deleted only with --force.\n\n"
    "    twelvelabs-async assets delete --force 6650a0c2e4b0a1b2c3d4e5f6"
)
WAIT_HELP = (
    "Wait until assets are ready, and report each.\n\n"
    "One that failed is an error, in the platform's words, and exit code 1.\n\n"
    "    twelvelabs-async assets wait --timeout 600 6650a0c2e4b0a1b2c3d4e5f6"
)

Ids = Annotated[list[str], Parameter(name="ID", help="The assets; one or more.")]
BaseUrl = Annotated[
    str | None,
    Parameter(help="URL of the platform's API; default: TWELVELABS_BASE_URL, else the public API."),
]
Json = Annotated[
    bool,
    Parameter(show_default=False, help="Write one line of JSON for each asset to standard output."),
]

assets = App(name="assets", help=HELP)


@assets.command(name="list", help=LIST_HELP)
def list_(
    *,
    filename: Annotated[
        str | None, Parameter(help="Only assets whose name contains this; case is ignored.")
    ] = None,
    types: Annotated[
        list[str] | None,
        Parameter(name="--type", help="Only video, audio, image ...; may be repeated."),
    ] = None,
    ids: Annotated[
        list[str] | None,
        Parameter(name="--id", help="Only the asset with this ID; may be repeated."),
    ] = None,
    limit: Annotated[
        int | None,
        Parameter(validator=Number(gte=1), help="List at most this many; otherwise all."),
    ] = None,
    json: Json = False,
    base_url: BaseUrl = None,
) -> int:
    """List assets; see ``LIST_HELP``."""
    subject = Subject(asset_ids=ids or [], base_url=base_url, as_json=json)
    filters = Filters(filename=filename, types=types, limit=limit)
    return interrupts.run(partial(list_assets, subject, filters))


@assets.command(help=SHOW_HELP)
def show(
    asset_id: Annotated[str, Parameter(name="ID", help="The asset.")],
    /,
    *,
    json: Json = False,
    base_url: BaseUrl = None,
) -> int:
    """Show an asset; see ``SHOW_HELP``."""
    subject = Subject(asset_ids=[asset_id], base_url=base_url, as_json=json)
    return interrupts.run(partial(show_asset, subject))


@assets.command(help=TRANSCRIPTION_HELP)
def transcription(
    asset_id: Annotated[str, Parameter(name="ID", help="The asset.")],
    /,
    *,
    include: Annotated[
        list[Segmentation] | None,
        Parameter(help="What to write, words unless given; may be repeated."),
    ] = None,
    json: Annotated[
        bool, Parameter(show_default=False, help="Write one line of JSON to standard output.")
    ] = False,
    base_url: BaseUrl = None,
) -> int:
    """Write a transcription; see ``TRANSCRIPTION_HELP``."""
    subject = Subject(asset_ids=[asset_id], base_url=base_url, as_json=json)
    return interrupts.run(partial(show_transcription, subject, include or [DEFAULT]))


@assets.command(
    help=DELETE_HELP,
    usage="Usage: twelvelabs-async assets delete [OPTIONS] ID...",
)
def delete(
    ids: Ids,
    /,
    *,
    force: Annotated[
        bool, Parameter(show_default=False, help="Delete also what indexed assets refer to.")
    ] = False,
    json: Json = False,
    base_url: BaseUrl = None,
) -> int:
    """Delete assets; see ``DELETE_HELP``."""
    subject = Subject(asset_ids=ids, base_url=base_url, as_json=json)
    return interrupts.run(partial(delete_assets, subject, force=force))


@assets.command(help=WAIT_HELP, usage="Usage: twelvelabs-async assets wait [OPTIONS] ID...")
def wait(
    ids: Ids,
    /,
    *,
    timeout: Annotated[
        float | None, Parameter(help="Seconds to wait in all; otherwise as long as it takes.")
    ] = None,
    hls: Annotated[
        bool, Parameter(show_default=False, help="Wait for the HLS streams, too.")
    ] = False,
    thumbnail: Annotated[
        bool, Parameter(show_default=False, help="Wait for the thumbnails, too.")
    ] = False,
    json: Json = False,
    base_url: BaseUrl = None,
) -> int:
    """Wait for assets; see ``WAIT_HELP``."""
    subject = Subject(asset_ids=ids, base_url=base_url, as_json=json)
    awaited = Wait(hls=hls, thumbnail=thumbnail, timeout=timeout)
    return interrupts.run(partial(wait_for_assets, subject, awaited))

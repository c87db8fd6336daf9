"""``assets transcription``: the text of an asset, in lines for people or as JSON for machines."""

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs

from twelvelabs_async import (
    AssetTranscriptionEntry,
    AssetTranscriptionResponse,
    AssetTranscriptionStatus,
    AssetTranscriptionUtterance,
    AsyncTwelveLabs,
)
from twelvelabs_async._cli.assets import Subject
from twelvelabs_async._cli.client_from_environment import platform
from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.jobs import run_alone
from twelvelabs_async._cli.outcomes import DONE, FAILED
from twelvelabs_async._cli.output import plain, print_error, print_json, print_text

Segmentation = Literal["words", "sentences", "utterances"]
DEFAULT: Segmentation = "words"

Entries = Sequence[AssetTranscriptionEntry]


async def show_transcription(
    subject: Subject, include: Sequence[Segmentation], interrupts: Interrupts
) -> int:
    """Write the transcription of one asset and return the exit code.

    Raises:
        ConfigurationError: The client cannot be made with these settings.
        OutputGoneError: The output cannot be written.
    """
    async with platform(subject.base_url) as client:
        return await run_alone(_shown(subject, include, client), interrupts)


async def _shown(subject: Subject, include: Sequence[Segmentation], client: AsyncTwelveLabs) -> int:
    wanted = list(dict.fromkeys(include))
    answer = await client.assets.retrieve_transcription(subject.asset_ids[0], include=wanted)
    found = _found(answer, wanted)
    if subject.as_json:
        print_json({"id": subject.asset_ids[0], **attrs.asdict(answer)})
    elif any(found.values()):
        print_text("\n".join(_lines(found)))
    if not found:
        print_error(f"error: {_reason(answer, wanted)}")
        return FAILED
    if not subject.as_json:
        for note in _notes(found, wanted):
            print_error(note)
    return DONE


def _found(answer: AssetTranscriptionResponse, wanted: Sequence[str]) -> dict[str, Entries]:
    """Return those of the wanted segmentations that a transcription has; none until it is ready."""
    if answer.status != AssetTranscriptionStatus.READY:
        return {}
    every = {name: getattr(answer, name) for name in wanted}
    return {name: entries for name, entries in every.items() if entries is not None}


def _reason(answer: AssetTranscriptionResponse, wanted: Sequence[str]) -> str:
    """Say why a transcription has nothing of what was asked for."""
    if answer.status == AssetTranscriptionStatus.READY:
        return f"the transcription does not support {' or '.join(wanted)}"
    if answer.status == AssetTranscriptionStatus.FAILED:
        why = answer.error.message if answer.error else "the platform does not say why"
        return f"the transcription failed: {why}"
    return f"the transcription is not ready ({answer.status}); try again later"


def _notes(found: dict[str, Entries], wanted: Sequence[str]) -> Iterator[str]:
    """Yield why there are no lines of a segmentation that was asked for."""
    for name in wanted:
        if name not in found:
            yield f"the transcription does not support {name}"
        elif not found[name]:
            yield f"the transcription has no {name}: no speech was recognized"


def _lines(found: dict[str, Entries]) -> Iterator[str]:
    """Yield a line for each entry; where there are several segmentations, each has a title."""
    for name, entries in found.items():
        if len(found) > 1:
            yield f"{name}:"
        for entry in entries:
            yield plain(f"{_time(entry.start)} - {_time(entry.end)}  {_said(entry)}")


def _said(entry: AssetTranscriptionEntry) -> str:
    if isinstance(entry, AssetTranscriptionUtterance) and entry.speaker is not None:
        return f"{entry.speaker}: {entry.value}"
    return entry.value


def _time(seconds: float) -> str:
    """Return seconds as hours, minutes, seconds and milliseconds: ``0:01:23.450``."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:06.3f}"

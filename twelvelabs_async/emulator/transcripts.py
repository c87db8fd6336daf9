"""The transcription of a video or audio asset: set by a test or made up, and its JSON in answers.

Pure. Names and presence of the fields: the official SDK 1.3.6, read 2026-11.
"""

from collections.abc import Collection
from typing import Any

import attrs
from attrs import frozen

from twelvelabs_async.emulator.readiness import Readiness
from twelvelabs_async.emulator.records import StoredAsset

Json = dict[str, Any]

SEGMENTATIONS = ("words", "sentences", "utterances")
TRANSCRIBED = ("video", "audio")
USUAL_SECONDS = 10.0
"""Assumed length of an asset whose length the emulator does not know."""


@frozen
class Segment:
    """A word, sentence or utterance; times in seconds; only utterances have a ``speaker``."""

    start: float
    end: float
    value: str
    speaker: str | None = None


@frozen
class Transcript:
    """A transcription. A segmentation that is None is not supported.

    ``error`` is the message with which it fails instead of becoming ready; None: it does not fail.
    """

    words: tuple[Segment, ...] | None = None
    sentences: tuple[Segment, ...] | None = None
    utterances: tuple[Segment, ...] | None = None
    error: str | None = None


def made_up(asset: StoredAsset) -> Transcript | None:
    """Return a transcription that depends only on the asset's name and length.

    It has two sentences by two speakers, and all its words are equally long. None: an asset of
    this kind has no transcription.
    """
    if asset.kind not in TRANSCRIBED:
        return None
    said = (f"This is {asset.filename}.", "Nobody has listened to it.")
    texts = [sentence.split() for sentence in said]
    seconds = asset.sound.seconds if asset.sound else USUAL_SECONDS
    pause = seconds / sum(map(len, texts))
    words: list[Segment] = []
    sentences: list[Segment] = []
    for text in texts:
        first = len(words)
        for place, word in enumerate(text, first):
            words.append(Segment(round(place * pause, 3), round((place + 1) * pause, 3), word))
        sentences.append(Segment(words[first].start, words[-1].end, " ".join(text)))
    speakers = [attrs.evolve(each, speaker=f"speaker_{n}") for n, each in enumerate(sentences)]
    return Transcript(tuple(words), tuple(sentences), tuple(speakers))


def described(transcript: Transcript, state: Readiness, wanted: Collection[str]) -> Json:
    """Return the answer about a transcription; once it is ready, it has the ``wanted`` parts.

    Where the asset has failed, its transcription has failed with the same message (assumed).
    """
    ready = state.rendition == "ready"
    error = transcript.error if ready else state.error
    if error is not None:
        return {"status": "failed", "error": {"message": error}}
    answer: Json = {"status": state.rendition}
    for name in SEGMENTATIONS:
        segments = getattr(transcript, name)
        if ready and name in wanted and segments is not None:
            answer[name] = [_segment(each) for each in segments]
    return answer


def _segment(segment: Segment) -> Json:
    return attrs.asdict(segment, filter=lambda _, value: value is not None)

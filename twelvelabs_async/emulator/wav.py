"""Read the header of a WAV file, the one kind of file that the emulator looks into."""

import wave
from pathlib import Path

from twelvelabs_async.emulator.records import Sound


def sound_in(path: Path, size: int) -> Sound | None:
    """Return what a file's header says, None if it is not plain PCM in a WAV file. Blocks.

    Args:
        path: The file, or its first piece.
        size: Bytes of the whole file, beyond which a header's word is not taken.
    """
    try:
        with path.open("rb") as file, wave.open(file) as header:
            channels, width = header.getnchannels(), header.getsampwidth()
            frames, rate = header.getnframes(), header.getframerate()
    except (wave.Error, EOFError):
        return None
    return Sound(channels, rate, width, min(frames, size // (channels * width))) if rate else None

"""What kind of file the platform takes it for: by its name, else by what the sender says.

Pure. A table of our own comes first, for what ``mimetypes`` knows differs between machines.
"""

import mimetypes

_BY_NAME = {
    "video/mp4": "mp4 m4v mp4v",
    "video/quicktime": "mov qt",
    "video/x-matroska": "mkv",
    "video/webm": "webm",
    "video/x-msvideo": "avi",
    "video/mpeg": "mpg mpeg mpe",
    "video/mp2t": "ts mts m2ts",
    "video/x-ms-wmv": "wmv",
    "video/x-flv": "flv",
    "video/3gpp": "3gp",
    "video/ogg": "ogv",
    "audio/mpeg": "mp3",
    "audio/wav": "wav wave",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/ogg": "ogg oga opus",
    "audio/aiff": "aif aiff",
    "audio/x-ms-wma": "wma",
    "image/jpeg": "jpg jpeg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "image/heic": "heic",
    "image/avif": "avif",
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md markdown",
}
_TYPES = {extension: name for name, words in _BY_NAME.items() for extension in words.split()}
_FAMILIES = ("video/", "audio/", "image/")


def file_type(filename: str, announced: str) -> str | None:
    """Return the MIME type of a file; None: the platform does not take it.

    Args:
        filename: Its last extension decides, if it is one of media.
        announced: The MIME type that came with it, without parameters.
    """
    _, dot, extension = filename.lower().rpartition(".")
    known = _TYPES.get(extension) if dot else None
    guessed = (mimetypes.guess_type(f"file.{extension}")[0] or "") if dot else ""
    candidates = (known or "", guessed, announced.lower())
    return next((each for each in candidates if _is_taken(each)), None)


def _is_taken(name: str) -> bool:
    return name in _BY_NAME or name.startswith(_FAMILIES)

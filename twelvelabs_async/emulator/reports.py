"""What a report of uploaded chunks must say, and how chunks and files are described in answers.

Pure. An ETag is only good as proof when the chunk is stored, when it is the stored one's, and when
it is written bare.
"""

from typing import Any, cast
from urllib.parse import quote

from twelvelabs_async.emulator import file_types, parameters
from twelvelabs_async.emulator.answers import rfc3339
from twelvelabs_async.emulator.parameters import Object, Refusal
from twelvelabs_async.emulator.records import StoredAsset, Upload

ENTRY = ("chunk_index", "proof", "proof_type", "chunk_size")
MAX_PROOF = 1024


def entries(payload: object) -> list[Object]:
    """Return the entries of ``completed_chunks``; an empty list is refused (assumed)."""
    body = parameters.json_object(payload)
    parameters.only_known(body, ("completed_chunks",))
    given = parameters.required(body, "completed_chunks")
    chunks = cast("list[object]", given) if isinstance(given, list) else []
    if not chunks:
        raise parameters.invalid(
            "completed_chunks", body["completed_chunks"], "must be an array of chunks"
        )
    return [parameters.json_object(each, _label(n)) for n, each in enumerate(chunks)]


def checked(upload: Upload, number: int, entry: Object) -> int:
    """Return the chunk index of entry ``number`` (from 0), once everything in it was checked."""
    parameters.only_known(entry, ENTRY)
    label = f"{_label(number)}."
    index = parameters.integer(
        entry, "chunk_index", least=1, most=upload.total_chunks, label=f"{label}chunk_index"
    )
    parameters.word(entry, "proof_type", ("etag",), label=f"{label}proof_type")
    size = parameters.integer(entry, "chunk_size", least=1, label=f"{label}chunk_size")
    if size != upload.size_of(index):
        rule = f"must be {upload.size_of(index)}, the size of chunk {index} in bytes"
        raise parameters.invalid(f"{label}chunk_size", size, rule)
    _check_proof(upload, index, entry, f"{label}proof")
    return index


def _label(number: int) -> str:
    return f"completed_chunks[{number}]"


def _check_proof(upload: Upload, index: int, entry: Object, label: str) -> None:
    proof = parameters.text(entry, "proof", most=MAX_PROOF, label=label)
    if '"' in proof or proof.startswith("W/"):
        raise parameters.invalid(label, proof, "must be an ETag without quotes and without `W/`")
    stored = upload.chunk(index).stored
    if stored is None:
        message = f"The `{label}` parameter is invalid: chunk {index} was not uploaded."
        raise Refusal(400, "parameter_invalid", message)
    if proof != stored.etag:
        raise parameters.invalid(label, proof, f"is not the ETag of chunk {index}")


def chunk_info(upload: Upload, index: int) -> dict[str, Any]:
    """Describe a chunk: ``pending`` until it was reported, even when it is stored."""
    chunk = upload.chunk(index)
    reported_at = chunk.reported_at
    return {
        "index": index,
        "status": "completed" if chunk.counted else "failed" if chunk.failed else "pending",
        "uploaded_at": None if reported_at is None else rfc3339(reported_at),
        "updated_at": rfc3339(reported_at or upload.created_at),
        "error": chunk.flaw if chunk.failed else None,
    }


def file_type(upload: Upload) -> str:
    """Guess the MIME type: from the name if it fits the upload's type, else the usual one."""
    guess = file_types.file_type(upload.filename, "") or ""
    usual = {"video": "video/mp4", "audio": "audio/mpeg", "image": "image/jpeg"}
    return guess if guess.startswith(f"{upload.kind}/") else usual[upload.kind]


def asset_path(asset: StoredAsset) -> str:
    """Return the path under which the store serves the whole file."""
    return f"/assets/{asset.asset_id}/{quote(asset.filename, safe='', errors='replace')}"

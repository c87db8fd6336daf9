"""What is told of uploads: what became of each file, and what an interruption leaves behind."""

from collections.abc import Sequence

from rich.filesize import decimal

from twelvelabs_async import UploadResult
from twelvelabs_async.cli.asset_views import asset_json, made_rows
from twelvelabs_async.cli.outcomes import INTERRUPTED, Arrived, Failed, Outcome
from twelvelabs_async.cli.telling import block, tell, tell_end, tell_error, tell_json

MILLISECONDS = 3
RESULT = ("asset_url", "upload_id", "total_size", "total_chunks", "resumed_chunks")


def tell_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Tell what became of a file; raises as ``tell`` does."""
    if isinstance(outcome, Failed) and outcome.exit_code != INTERRUPTED:
        tell_error(f"error: {outcome.error}")
    if as_json:
        tell_json(_arrived_json(outcome) if isinstance(outcome, Arrived) else _failed_json(outcome))
    elif isinstance(outcome, Arrived):
        tell(_block(outcome))


def _arrived_json(arrived: Arrived) -> dict[str, object]:
    result = arrived.result
    told: dict[str, object] = {arrived.source.kind: arrived.source.name}
    told["asset_id"] = arrived.asset_id
    if result is not None:
        told |= {name: getattr(result, name) for name in RESULT}
    told["seconds"] = round(arrived.seconds, MILLISECONDS)
    if arrived.sha256 is not None:
        told |= {"sha256": arrived.sha256, "verified": True}
    if arrived.asset is not None:
        told["asset"] = asset_json(arrived.asset)
    return told


def _failed_json(failed: Failed) -> dict[str, object]:
    told: dict[str, object] = {failed.source.kind: failed.source.name}
    told |= {"error": failed.error, "upload_id": failed.upload_id}
    return told if failed.asset_id is None else {**told, "asset_id": failed.asset_id}


def _block(arrived: Arrived) -> str:
    rows = [("asset", arrived.asset_id)]
    if arrived.result is not None:
        if arrived.result.asset_url is not None:
            rows.append(("URL", arrived.result.asset_url))
        rows.append(("sent", _sent(arrived.result, arrived.seconds)))
    if arrived.sha256 is not None:
        rows.append(("SHA-256", arrived.sha256))
        rows.append(("checked", "equal: the URL serves the file byte for byte"))
    if arrived.asset is not None:
        rows += made_rows(arrived.asset)
    return block(arrived.source.name, rows)


def _sent(result: UploadResult, seconds: float) -> str:
    size, chunks = result.total_size, result.total_chunks
    rate = decimal(round(size / max(seconds, 10**-MILLISECONDS)))
    pieces = "1 chunk" if chunks == 1 else f"{chunks:,} chunks"
    if result.resumed_chunks:
        pieces += f", {result.resumed_chunks:,} of them before"
    return f"{decimal(size)} in {pieces}, {seconds:.2f} s, {rate}/s"


def tell_interruption(outcomes: Sequence[Outcome], *, emulated: bool, journaled: bool) -> None:
    """Say how far the command came, and what it leaves behind, each on its own line."""
    arrived = sum(outcome.asset_id is not None for outcome in outcomes)
    files = "file" if len(outcomes) == 1 else "files"
    tell_end(f"interrupted: {arrived} of {len(outcomes)} {files} arrived")
    if emulated:
        tell_error("the emulator is gone, with all it had")
        return
    failed = [each for each in outcomes if isinstance(each, Failed)]
    _tell_waited([each for each in failed if each.asset_id])
    _tell_unclear([each for each in failed if each.unclear])
    left = [each for each in failed if each.upload_id and not each.asset_id]
    _tell_left(left)
    if left and journaled:
        tell_error("the same command goes on from there")


def _tell_waited(waited: Sequence[Failed]) -> None:
    if waited:
        tell_error("not waited for to the end:")
    for each in waited:
        tell_error(f"  {each.source.name}  {each.asset_id}")


def _tell_unclear(unclear: Sequence[Failed]) -> None:
    if unclear:
        tell_error("may have arrived all the same (twelvelabs-async assets list tells):")
    for each in unclear:
        tell_error(f"  {each.source.name}")


def _tell_left(left: Sequence[Failed]) -> None:
    if not left:
        tell_error("no upload session is known to be left on the platform")
        return
    sessions = "1 upload session is" if len(left) == 1 else f"{len(left)} upload sessions are"
    tell_error(f"{sessions} left on the platform, for 24 hours at most:")
    for each in left:
        tell_error(f"  {each.source.name}  {each.upload_id}")


def tell_emulated(*, as_json: bool) -> None:
    """Say that no platform was involved; raises as ``tell`` does."""
    text = "This was the embedded emulator: nothing left this machine, and its URLs are gone now."
    if as_json:
        tell_error(text)
    else:
        tell(text)

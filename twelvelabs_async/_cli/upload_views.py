"""What is printed of uploads: what became of each file, and what an interruption leaves behind."""

from collections.abc import Sequence

from rich.filesize import decimal

from twelvelabs_async import UploadResult
from twelvelabs_async._cli.arguments import UploadArguments
from twelvelabs_async._cli.asset_views import asset_json, made_rows
from twelvelabs_async._cli.outcomes import INTERRUPTED, Arrived, Failed, Outcome
from twelvelabs_async._cli.output import block, print_end, print_error, print_json, print_text

MILLISECONDS = 3
RESULT = ("asset_url", "upload_id", "total_size", "total_chunks", "resumed_chunks")


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print what became of a file; raises as ``print_text`` does."""
    if isinstance(outcome, Failed) and outcome.exit_code != INTERRUPTED:
        print_error(f"error: {outcome.error}")
    if as_json:
        print_json(
            _arrived_json(outcome) if isinstance(outcome, Arrived) else _failed_json(outcome)
        )
    elif isinstance(outcome, Arrived):
        print_text(_block(outcome))


def _arrived_json(arrived: Arrived) -> dict[str, object]:
    result = arrived.result
    fields: dict[str, object] = {arrived.source.kind: arrived.source.name}
    fields["asset_id"] = arrived.asset_id
    if result is not None:
        fields |= {name: getattr(result, name) for name in RESULT}
    fields["seconds"] = round(arrived.seconds, MILLISECONDS)
    if arrived.sha256 is not None:
        fields |= {"sha256": arrived.sha256, "verified": True}
    if arrived.asset is not None:
        fields["asset"] = asset_json(arrived.asset)
    return fields


def _failed_json(failed: Failed) -> dict[str, object]:
    fields: dict[str, object] = {failed.source.kind: failed.source.name}
    fields |= {"error": failed.error, "upload_id": failed.upload_id}
    return fields if failed.asset_id is None else {**fields, "asset_id": failed.asset_id}


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


def print_interruption(arguments: UploadArguments, outcomes: Sequence[Outcome]) -> None:
    """Say how far the command came, what it leaves behind, and how to go on, each on a line."""
    arrived = sum(outcome.asset_id is not None for outcome in outcomes)
    files = "file" if len(outcomes) == 1 else "files"
    print_end(f"interrupted: {arrived} of {len(outcomes)} {files} arrived")
    if arguments.emulated:
        print_error("the embedded emulator has stopped; its assets are deleted")
        return
    failed = [each for each in outcomes if isinstance(each, Failed)]
    _print_each("not waited for to the end:", [each for each in failed if each.asset_id])
    unclear = [each for each in failed if each.unclear]
    _print_each("may have arrived all the same (see twelvelabs-async assets list):", unclear)
    left = [each for each in failed if each.upload_id and not (each.asset_id or each.unclear)]
    opening = [each for each in failed if each.opening]
    _print_each(_sessions(len(left)), left)
    _print_each("an upload session may be left on the platform, for 24 hours at most:", opening)
    if not (left or opening or any(each.upload_id for each in unclear)):
        print_error("no upload session is left on the platform by this command")
    _print_how_to_go_on(arguments, outcomes)


def _print_each(title: str, them: Sequence[Failed]) -> None:
    if them:
        print_error(title)
    for each in them:
        words = [each.source.name, each.asset_id or each.upload_id or ""]
        if each.upload_id and not (each.asset_id or each.noted):
            words.append("(the journal does not have it: another attempt begins anew)")
        print_error("  " + "  ".join(filter(None, words)))


def _sessions(count: int) -> str:
    sessions = "1 upload session is" if count == 1 else f"{count} upload sessions are"
    return f"{sessions} left on the platform, for 24 hours at most:"


def _print_how_to_go_on(arguments: UploadArguments, outcomes: Sequence[Outcome]) -> None:
    """Say which command goes on, unless that is plain; the same one sends again what arrived."""
    failed = [each for each in outcomes if isinstance(each, Failed)]
    noted = {each.source for each in failed if each.noted and each.upload_id and not each.asset_id}
    again = (
        noted if arguments.restart else noted | {each.source for each in failed if _to_send(each)}
    )
    if again == set(arguments.sources) and not arguments.restart:
        if noted:
            print_error("the same command goes on from there")
    elif again:
        title = "to go on from there" if noted else "for the rest"
        print_error(f"{title}: {arguments.upload_command(again)}")
    waited = [each.asset_id for each in failed if each.asset_id]
    if waited:
        print_error(f"to go on waiting: {arguments.wait_command(waited)}")


def _to_send(failed: Failed) -> bool:
    """Whether a file was interrupted before it can have arrived."""
    return failed.exit_code == INTERRUPTED and not (failed.asset_id or failed.unclear)


def print_emulated(*, as_json: bool) -> None:
    """Say that no platform was involved; raises as ``print_text`` does."""
    text = "This was the embedded emulator: nothing left this machine, and its URLs are gone now."
    if as_json:
        print_error(text)
    else:
        print_text(text)

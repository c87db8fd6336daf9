"""Measure one upload: wall time, CPU, peak memory, delay of the host's event loop, connections.

The emulator runs in a process of its own, so that the client's figures are the client's. Nothing
here is a test; see README.md beside this file for how to read the figures.

    python benchmarks/bench_upload.py --size 1GiB --size 4GiB --workers 5
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

HEARTBEAT = 0.005
"""Seconds between two beats; what a beat is late by is what we cost the host's loop."""

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def parse_size(text: str) -> int:
    """Return the bytes that ``16MiB``, ``1GiB`` or ``1000`` stand for."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return int(float(text.removesuffix(unit)) * factor)
    return int(text)


def peak_rss() -> int:
    """Return the largest resident size of this process so far, in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("VmHWM is only on Linux")


async def beat(late: list[float]) -> None:
    """Note for each beat how late it was, in seconds."""
    while True:
        due = time.perf_counter() + HEARTBEAT
        await asyncio.sleep(HEARTBEAT)
        late.append(time.perf_counter() - due)


async def client(path: Path, base_url: str, api_key: str, workers: int) -> dict[str, float | str]:
    """Upload ``path`` once and return what it cost this process."""
    async with AsyncTwelveLabs(api_key, base_url) as running:
        late: list[float] = []
        heart = asyncio.create_task(beat(late))
        await asyncio.sleep(0.1)
        late.clear()
        before, rss_before = resource.getrusage(resource.RUSAGE_SELF), peak_rss()
        started = time.perf_counter()
        result = await running.multipart_upload.upload_file(path, max_workers=workers)
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        heart.cancel()
    late.sort()
    return {
        "asset_id": result.asset_id,
        "wall_s": wall,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_rss_mb": peak_rss() / 1e6,
        "rss_before_mb": rss_before / 1e6,
        "delay_p50_ms": 1e3 * late[len(late) // 2],
        "delay_p99_ms": 1e3 * late[int(len(late) * 0.99)],
        "delay_max_ms": 1e3 * late[-1],
        "blocks_written": after.ru_oublock - before.ru_oublock,
    }


async def emulator(chunk_size: int) -> None:
    """Run an emulator until standard input is closed; tell where it is, then what it saw."""
    async with Emulator(chunk_size=chunk_size) as running:
        print(json.dumps({"base_url": running.base_url, "api_key": running.api_key}), flush=True)
        while asset_id := (await asyncio.to_thread(sys.stdin.readline)).strip():
            seen = {
                "sha256": await running.sha256(asset_id),
                "store_connections": running.connections("store"),
                "puts": running.count("put"),
                "control_calls": sum(e.origin == "api" for e in running.requests),
            }
            print(json.dumps(seen), flush=True)


def make_file(path: Path, size: int) -> str:
    """Write ``size`` bytes that do not repeat from chunk to chunk, and return their SHA-256."""
    script = (
        "import hashlib,random,sys\n"
        "left,digest=int(sys.argv[2]),hashlib.sha256()\n"
        "block=bytearray(random.Random(1).randbytes(2**20))\n"
        "with open(sys.argv[1],'wb') as out:\n"
        "    while left:\n"
        "        block[:8]=left.to_bytes(8,'big')\n"
        "        piece=bytes(block[:left])\n"
        "        out.write(piece); digest.update(piece); left-=len(piece)\n"
        "print(digest.hexdigest())\n"
    )
    command = [sys.executable, "-c", script, str(path), str(size)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure(size: int, chunk_size: int, workers: int, directory: Path) -> dict[str, object]:
    """Upload one file of ``size`` bytes in processes of their own and return the figures."""
    path = directory / f"{size}.mp4"
    digest = make_file(path, size)
    with subprocess.Popen(
        [sys.executable, __file__, "emulator", str(chunk_size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        where = json.loads(server.stdout.readline())
        command = [sys.executable, __file__, "client", str(path), where["base_url"]]
        command += [where["api_key"], str(workers)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        figures = json.loads(output)
        server.stdin.write(f"{figures['asset_id']}\n")
        server.stdin.flush()
        seen = json.loads(server.stdout.readline())
        server.stdin.close()
    path.unlink()
    assert seen.pop("sha256") == digest, "what arrived is not what was sent"
    return {"size": size, "chunk_size": chunk_size, "workers": workers, **figures, **seen}


def main() -> None:
    """Read the arguments and print one line of JSON for each size."""
    match sys.argv[1:]:
        case ["emulator", chunk_size]:
            asyncio.run(emulator(int(chunk_size)))
            return
        case ["client", path, base_url, api_key, workers]:
            print(json.dumps(asyncio.run(client(Path(path), base_url, api_key, int(workers)))))
            return
        case _:
            pass
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=parse_size, action="append", required=True)
    parser.add_argument("--chunk-size", type=parse_size, default="16MiB")
    parser.add_argument("--workers", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for size in chosen.size:
            figures = measure(size, chosen.chunk_size, chosen.workers, Path(directory))
            shown = {k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}
            print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()

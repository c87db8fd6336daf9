"""Measure ``assets.create`` of one file in one request, whole and after attempts that are cut.

The emulator runs in a process of its own and cuts the first attempts in the middle of the body.

    python benchmarks/bench_direct.py --size 200 --cut 0 --cut 2
"""

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Cut, Emulator, Fault

HEARTBEAT = 0.005
"""Seconds between two beats; what a beat is late by is what we cost the host's loop."""


def peak_rss() -> int:
    """Return the largest resident size of this process so far, in bytes (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


async def beat(late: list[float]) -> None:
    """Note for each beat how late it was, in seconds."""
    while True:
        due = time.perf_counter() + HEARTBEAT
        await asyncio.sleep(HEARTBEAT)
        late.append(time.perf_counter() - due)


async def client(path: Path, base_url: str, api_key: str) -> dict[str, float | str]:
    """Create one asset and return what it cost this process."""
    async with AsyncTwelveLabs(api_key, base_url) as running:
        async for _ in await running.assets.list():  # opens what every call needs
            pass
        late: list[float] = []
        heart = asyncio.create_task(beat(late))
        await asyncio.sleep(0.2)
        late.clear()
        before, cpu, started = peak_rss(), time.process_time(), time.perf_counter()
        asset = await running.assets.create(method="direct", file=path)
        wall = time.perf_counter() - started
        heart.cancel()
    late.sort()
    return {
        "asset_id": asset.id,
        "wall_s": wall,
        "cpu_s": time.process_time() - cpu,
        "memory_growth_mb": (peak_rss() - before) / 1e6,
        "delay_p50_ms": 1e3 * late[len(late) // 2],
        "delay_p99_ms": 1e3 * late[int(len(late) * 0.99)],
        "delay_max_ms": 1e3 * late[-1],
    }


async def emulator(cuts: int) -> None:
    """Run an emulator that cuts the first attempts; tell where it is, then what it saw."""
    async with Emulator() as running:
        if cuts:
            fault = Fault(route="create_asset", action=Cut("middle"), times=cuts)
            running.faults.add(fault)
        print(json.dumps([running.base_url, running.api_key]), flush=True)
        asset_id = (await asyncio.to_thread(sys.stdin.readline)).strip()
        assert not running.faults.unused()
        requests = running.count("create_asset")
        print(json.dumps([await running.sha256(asset_id), requests]), flush=True)


def measure(path: Path, cuts: int) -> dict[str, object]:
    """Send ``path`` from a process of its own and return the figures."""
    with subprocess.Popen(
        [sys.executable, __file__, "emulator", str(cuts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        where = json.loads(server.stdout.readline())
        command = [sys.executable, __file__, "client", str(path), *where]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        figures = json.loads(output)
        print(figures["asset_id"], file=server.stdin, flush=True)
        digest, requests = json.loads(server.stdout.readline())
    with path.open("rb") as file:
        assert digest == hashlib.file_digest(file, "sha256").hexdigest(), "it is not what was sent"
    rounded = {k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}
    return {"bytes": path.stat().st_size, "cut": cuts, "requests": requests, **rounded}


def main() -> None:
    """Read the arguments and print one line of JSON for each number of cuts."""
    match sys.argv[1:]:
        case ["emulator", cuts]:
            asyncio.run(emulator(int(cuts)))
            return
        case ["client", file, base_url, api_key]:
            print(json.dumps(asyncio.run(client(Path(file), base_url, api_key))))
            return
        case _:
            pass
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=200, help="MB (millions of bytes)")
    parser.add_argument("--cut", type=int, action="append", help="attempts that are cut")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "film.mp4"
        with path.open("wb") as film:
            for number in range(chosen.size):
                film.write(number.to_bytes(8, "big") * 125_000)
        for cuts in chosen.cut or [0, 2]:
            print(json.dumps(measure(path, cuts)), flush=True)


if __name__ == "__main__":
    main()

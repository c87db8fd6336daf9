"""``curl --parallel``: the chunks are files of their own beforehand, which costs it nothing."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.job import Job
from benchmarks.meter import Figures, Meter
from benchmarks.peers.harness import CannotMeasureError, print_figures


def split(path: Path, chunk_size: int, directory: Path) -> list[Path]:
    """Write the chunks of a file as files of their own."""
    pieces: list[Path] = []
    with path.open("rb") as file:
        while data := file.read(chunk_size):
            pieces.append(directory / f"{path.stem}-{len(pieces)}")
            pieces[-1].write_bytes(data)
    return pieces


def measure(job: Job) -> Figures:
    """Send every chunk; memory is not measured, for it is that of another process."""
    curl = shutil.which("curl")
    if curl is None:
        raise CannotMeasureError("there is no curl")
    with tempfile.TemporaryDirectory(dir=job.paths[0].parent) as scratch:
        pieces = [p for path in job.paths for p in split(path, job.chunk_size, Path(scratch))]
        settings = Path(scratch, "curl.config")
        settings.write_text(
            "\n".join(f'url = "{job.origin}/store/{p.name}"\nupload-file = "{p}"' for p in pieces)
        )
        options = ["--parallel", "--parallel-max", str(job.workers), "--silent", "--fail"]
        meter = Meter()
        meter.start()
        subprocess.run([curl, *options, "--config", str(settings)], check=True)
        figures = meter.figures()
    return {name: figures[name] for name in ("wall_s", "cpu_s")}


if __name__ == "__main__":
    print_figures(measure)

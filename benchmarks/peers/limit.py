"""The physical limit: ``sinks/limit.c`` takes this process over and prints its own figures."""

import os
import sys
from urllib.parse import urlsplit

from benchmarks.job import Job
from benchmarks.meter import Figures
from benchmarks.peers.harness import CannotMeasureError, print_figures
from benchmarks.sinks.native import NoCompilerError, program


def measure(job: Job) -> Figures:
    """Become the C program; one file."""
    try:
        path = str(program("limit"))
    except NoCompilerError as error:
        raise CannotMeasureError(str(error)) from error
    where = urlsplit(job.origin)
    speaks = "tls" if where.scheme == "https" else "plain"
    (file,) = job.paths
    words = (where.hostname, where.port, speaks, file, job.chunk_size, job.workers)
    sys.stdout.flush()
    os.execv(path, [path, *map(str, words)])  # noqa: S606 - the program is our own


if __name__ == "__main__":
    print_figures(measure)

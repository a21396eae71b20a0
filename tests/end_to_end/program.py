"""The program in a process of its own that need not import torch first.

A fork server (``multiprocessing``) imports what the verbs need once for each process of tests. Every run is a fork
of it, and so as fresh as a user's: its own folder, surroundings, output and exit code. What only a real start
shows (closed outputs, a full disk, what is imported) has tests of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

LIMIT = 120.0
"""Seconds after which a run has hung."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["sphereface.journey", "sphereface.cli.main", "tests.end_to_end.program"])


def run(
    words: list[str], home: Path, surroundings: dict[str, str], output: Path
) -> subprocess.CompletedProcess[str]:
    """Run ``sphereface *words`` in ``home``; its two outputs are kept in the folder ``output``."""
    output.mkdir(exist_ok=True)
    said, complained = output / "stdout", output / "stderr"
    process = _context.Process(target=_become, args=(words, str(home), surroundings, str(said), str(complained)))
    process.start()
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(words, LIMIT, said.read_text(), complained.read_text())
    return subprocess.CompletedProcess(words, process.exitcode, said.read_text(), complained.read_text())


def _become(words: list[str], home: str, surroundings: dict[str, str], said: str, complained: str) -> None:
    for stream, path in ((sys.stdout, said), (sys.stderr, complained)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, stream.fileno())
        os.close(file)
    os.environ.clear()
    os.environ.update(surroundings)
    os.chdir(home)
    sys.argv = ["sphereface", *words]

    from sphereface.cli.main import run as program

    program()

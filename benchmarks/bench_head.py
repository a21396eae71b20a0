"""How fast a loss head is, and how much memory it takes: ours against bare matrix products and other people's.

    python benchmarks/bench_head.py [--classes 10572 85742 1000000] [--batch 256] [--dimension 512] [--threads 2]
        [--rounds 7] [--only PEER ...] [--opensphere PATH] [--insightface PATH] [--out results.json]
    python benchmarks/bench_head.py --rows arcface curricularface subcenter-arcface [...]

What is timed is one forward and backward of ArcFace (s = 64, m = 0.5) on random data, from embeddings (N, d) to
the gradients by them and by the prototypes (C, d). The floor is the three matrix products that no exact loss can
do without. Each peer is a process of its own. The rounds are interleaved: each round asks every process for one
step, the others sleep meanwhile; ratios are medians over the rounds. Where memory does not hold all processes
at once, each is started and stopped in every round. Memory is the highest resident memory of the process over
what it held when the weights were made, less the gradients; on Linux only.

OpenSphere and InsightFace cannot be installed; they are loaded from the work tree of a clone. With --rows our
fused head of each named loss is measured against its own floor and against our reference head, which builds the
matrix of all logits.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import head_memory
from head_clones import FILES
from head_facts import facts, version
from head_peers import PEERS, Job
from head_table import Measured, compare, table

from sphereface.errors import ConfigurationError, nearest
from sphereface.heads import build_head
from sphereface.heads.table import HEADS

WARM_UP = 2
PROCESS = 400e6  # bytes that Python and torch take, all libraries loaded
OPTIMISED = ("linear", "sphereface")  # beside these a step of the optimiser is measured


class Process:
    """A worker process, from its side of the pipe."""

    def __init__(self, job: Job) -> None:
        words = [
            sys.executable,
            str(Path(__file__).with_name("head_worker.py")),
            json.dumps(dataclasses.asdict(job)),
        ]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self) -> dict[str, Any]:
        """Wait for a line of JSON.

        Raises:
            RuntimeError: With what the worker said, or how it ended.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with status {self.process.wait()}, perhaps for want of memory")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise RuntimeError(found["error"])
        return found

    def ask(self, question: str) -> dict[str, Any]:
        """Ask and wait for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        """End it and wait until its memory is free."""
        self.process.communicate()


def needed(job: Job, idle: bool = False) -> float:
    """Return an estimate of the bytes a job takes at its peak, or between its steps."""
    peer, weights = PEERS[job.peer], 4.0 * job.classes * job.centres * job.dimension
    if idle:
        return PROCESS + weights * min(2.0, peer.copies)
    return PROCESS + weights * peer.copies + peer.cells * job.batch * job.classes * job.centres


def measure(jobs: list[Job], rounds: int, optimised: tuple[str, ...]) -> list[Measured]:
    """Measure a group of jobs, interleaved; beside those ``optimised``, a step of the optimiser at the end."""
    found: list[Measured] = [
        {**dataclasses.asdict(job), "seconds": [], "loss": None, "extra": None, "whole": None} for job in jobs
    ]
    free = head_memory.available()
    budget = float("inf") if free is None else 0.85 * free
    for job, each in zip(jobs, found, strict=True):
        del each["path"]  # where a clone lies is nobody else's business
        if needed(job) > budget:
            each["said"] = f"skipped: about {needed(job) / 1e9:.0f} GB needed, {budget / 1e9:.0f} GB free"
            print(f"{job.peer}, {job.classes:,} classes: {each['said']}", file=sys.stderr)
    pairs = [(job, each) for job, each in zip(jobs, found, strict=True) if "said" not in each]
    idle = sum(needed(job, idle=True) for job, _ in pairs)
    together = idle + max((needed(job) - needed(job, idle=True) for job, _ in pairs), default=0.0) <= budget
    processes: dict[str, Process] = {}
    for number in range(rounds):
        for job, each in pairs:
            if "said" in each:
                continue
            try:
                if job.peer not in processes:
                    processes[job.peer] = Process(job)
                    for _ in range(WARM_UP):
                        processes[job.peer].ask("step")
                note(each, processes[job.peer].ask("step"))
                if number == rounds - 1 and job.peer in optimised:
                    each["optimiser"] = processes[job.peer].ask("optimiser")["seconds"]
            except (RuntimeError, OSError) as error:
                each["said"] = str(error)
                each["seconds"] = []
                print(f"{job.peer}, {job.classes:,} classes: {error}", file=sys.stderr)
            if (not together or "said" in each) and job.peer in processes:
                processes.pop(job.peer).end()
            time.sleep(0.02)  # threads that have nothing to do turn for a while before they sleep
        print(f"{jobs[0].row}, {jobs[0].classes:,} classes: round {number + 1} of {rounds}", file=sys.stderr)
    for process in processes.values():
        process.end()
    compare(found)
    return found


def note(each: Measured, answer: dict[str, Any]) -> None:
    """Add a step's answer to what is known of a job."""
    each["seconds"].append(answer["seconds"])
    each["loss"] = answer["loss"]
    for key in ("extra", "whole"):
        if answer[key] is not None:
            each[key] = max(each[key] or 0, answer[key])


def groups(options: argparse.Namespace) -> list[list[Job]]:
    """Return the jobs, those that are to be interleaved together."""
    paths = clones(options)
    names = {row: of_row(row) for row in options.rows} if options.rows else {"arcface": chosen(options)}
    return [
        [
            Job(
                peer=peer,
                row=row,
                classes=classes,
                centres=HEADS[row].centres or 1,
                batch=options.batch,
                dimension=options.dimension,
                threads=options.threads,
                path=paths.get(PEERS[peer].needs, ""),
            )
            for peer in peers
        ]
        for classes in options.classes
        for row, peers in names.items()
    ]


def clones(options: argparse.Namespace) -> dict[str, str]:
    """Return the paths that were given, made sure of."""
    given = {peer: getattr(options, peer) for peer in FILES if getattr(options, peer) is not None}
    for peer, path in given.items():
        if not (Path(path) / FILES[peer]).is_file():
            raise SystemExit(f"--{peer} {path}: there is no {FILES[peer]} in it; give the work tree of a clone")
    return given


def chosen(options: argparse.Namespace) -> list[str]:
    """Return the peers to measure: those asked for, or all that are there."""
    for name in options.only or []:
        if name not in PEERS:
            raise SystemExit(f"unknown peer '{name}'.{nearest(name, PEERS)} Known: {', '.join(PEERS)}")
        absent = missing(name, options)
        if absent:
            raise SystemExit(absent)
    for absent in dict.fromkeys(missing(name, options) for name in PEERS):
        if absent and not options.only:
            print(f"Left out: {absent}", file=sys.stderr)
    return [name for name in PEERS if name in (options.only or PEERS) and not missing(name, options)]


def missing(name: str, options: argparse.Namespace) -> str:
    """Return in a sentence what a peer needs and has not got, or nothing."""
    needs = PEERS[name].needs
    if needs in FILES and getattr(options, needs) is None:
        return f"{needs} is loaded from a clone of it: give the path with --{needs} PATH."
    if needs and needs not in FILES and version(needs) == "not installed":
        return f"{needs} is not installed: pip install {needs}."
    return ""


def of_row(row: str) -> list[str]:
    """Return what is measured for one of our losses."""
    if row not in HEADS:
        raise SystemExit(f"unknown loss '{row}'.{nearest(row, HEADS)} Known: {', '.join(HEADS)}")
    try:
        build_head(row, num_classes=2, embedding_dim=2, implementation="fused")
    except ConfigurationError as error:
        raise SystemExit(f"--rows {row}: {error}") from None
    return ["floor-bfloat16", "sphereface", "sphereface-recompute", "sphereface-reference"]


def whole(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=whole, nargs="+", default=[10_572, 85_742, 1_000_000])
    parser.add_argument("--batch", type=whole, default=256)
    parser.add_argument("--dimension", type=whole, default=512)
    parser.add_argument("--threads", type=whole, default=2)
    parser.add_argument("--rounds", type=whole, default=7)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rows", nargs="+", metavar="LOSS", help="losses of ours, in place of the peers")
    which.add_argument("--only", nargs="+", metavar="PEER", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--opensphere", metavar="PATH", help="work tree of a clone of OpenSphere")
    parser.add_argument("--insightface", metavar="PATH", help="work tree of a clone of InsightFace")
    parser.add_argument("--out", type=Path, metavar="JSON", help="where to write the numbers of all rounds")
    options = parser.parse_args()
    if min(options.classes) < 2:
        parser.error("--classes must be 2 or more")
    jobs = groups(options)
    known = facts(options.threads, clones(options))
    measured: list[Measured] = []
    for group in jobs:
        measured += measure(group, options.rounds, () if options.rows else OPTIMISED)
        if options.out is not None:  # after each group: a run over a million classes may be cut short
            options.out.write_text(json.dumps({"facts": known, "measured": measured}, indent=1) + "\n")
    print(f"# A loss head's step, N = {options.batch}, d = {options.dimension}, {options.rounds} rounds\n")
    print("; ".join(f"{name}: {value}" for name, value in known.items()) + ".\n")
    print(table(measured, rows=bool(options.rows)))


if __name__ == "__main__":
    main()

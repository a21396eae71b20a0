"""One peer in a process of its own: bench_head.py starts it and asks it over stdin, one word a line.

``step`` does one forward and backward, ``optimiser`` measures a step of SGD, the end of the input ends it. Every
answer is one line of JSON. Between questions the process sleeps.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import sys
import time
import warnings
from typing import Any

import head_memory
import torch
from head_peers import PEERS, Job, Subject


class Worker:
    """Answers the questions about one job."""

    def __init__(self, job: Job) -> None:
        torch.set_num_threads(job.threads)
        torch.manual_seed(0)
        build = PEERS[job.peer].build
        # A tiny one first: code that is loaded at the first call must not count as memory of the head.
        build(dataclasses.replace(job, classes=1024, batch=8)).step()
        self.subject: Subject = build(job)
        head_memory.tidy()
        self.before = head_memory.resident() if head_memory.reset_peak() else None

    def step(self) -> dict[str, Any]:
        """Return seconds of forward and backward, the loss, and the peak memory so far in bytes."""
        began = time.perf_counter()
        loss = self.subject.step()
        seconds = time.perf_counter() - began
        gradients = sum(gradient.nbytes for gradient in self.subject.gradients())
        self.subject.release()
        answer: dict[str, Any] = {"seconds": seconds, "loss": loss, "extra": None, "whole": None}
        whole = head_memory.peak()
        if whole is not None and self.before is not None:
            answer |= {"extra": whole - self.before - gradients, "whole": whole}
        return answer

    def optimiser(self) -> dict[str, Any]:
        """Return the median seconds of a step of SGD with momentum; the first, which makes its state, is out."""
        optimiser = torch.optim.SGD([self.subject.prototypes], lr=1e-3, momentum=0.9)
        times = []
        for _ in range(4):
            self.subject.step()
            began = time.perf_counter()
            optimiser.step()
            times.append(time.perf_counter() - began)
            self.subject.release()
        return {"seconds": statistics.median(times[1:])}


def main() -> None:
    """Answer until the input ends."""
    # Whatever a library prints goes to stderr: stdout is for answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    try:
        worker = Worker(Job(**json.loads(sys.argv[1])))
        print("{}", file=answers)
        for line in sys.stdin:
            question = {"step": worker.step, "optimiser": worker.optimiser}[line.strip()]
            print(json.dumps(question()), file=answers)
    except Exception as error:  # the others go on: what this one said is its result
        words = str(error).splitlines() or [""]
        print(json.dumps({"error": f"{type(error).__name__}: {words[0]}"}), file=answers)


if __name__ == "__main__":
    main()

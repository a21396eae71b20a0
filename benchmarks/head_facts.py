"""What a reader must know about the machine and the peers to judge a table; nothing that names either's owner."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent


def facts(threads: int, clones: dict[str, str]) -> dict[str, str]:
    """Return the facts by name, as words."""
    found = {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "threads": str(threads),
        "load before": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "torch": torch.__version__,
        "sphereface": " ".join([version("sphereface"), commit(ROOT)]),
        "pytorch-metric-learning": version("pytorch-metric-learning"),
    }
    found |= {peer: commit(Path(path)) for peer, path in clones.items()}
    return found | {"date": datetime.datetime.now(datetime.UTC).date().isoformat()}


def version(package: str) -> str:
    """Return the installed version."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def commit(path: Path) -> str:
    """Return the commit of a clone; a folder that merely lies inside another clone has none."""
    try:
        words = ["git", "-C", str(path), "rev-parse", "--show-toplevel", "HEAD"]
        top, head = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\n")[:2]
        changed = ["git", "-C", str(path), "status", "--porcelain"]
        changes = subprocess.run(changed, capture_output=True, text=True, check=True).stdout
    except (OSError, ValueError, subprocess.CalledProcessError):
        return "commit unknown"
    if Path(top).resolve() != path.resolve():
        return "commit unknown"
    return f"commit {head[:12]}" + (" with changes" if changes else "")


def processor() -> str:
    """Return the model of the processor and what it has for bfloat16."""
    model = platform.processor() or platform.machine()
    table = Path("/proc/cpuinfo")
    if table.exists():
        names = [line for line in table.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    units = [name for name in ("avx512_bf16", "amx_bf16") if capabilities.get(name)]
    return f"{model} ({', '.join(units) or 'no bfloat16 unit'})"

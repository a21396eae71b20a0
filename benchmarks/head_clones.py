"""Heads of peers that cannot be installed, loaded from a clone's work tree that the user gives.

Nothing of them is in this project. A module gets a package context of its own, so its relative imports work and
nothing else of the clone is imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

FILES = {
    "opensphere": Path("opensphere/module/head/arcface.py"),
    "insightface": Path("recognition/arcface_torch/partial_fc_v2.py"),
}


def load(peer: str, path: str, module: str) -> ModuleType:
    """Import a module that lies beside the peer's file, as part of a package that has no code of its own."""
    package = f"clone_of_{peer}"
    if package not in sys.modules:
        context = ModuleType(package)
        context.__path__ = [str((Path(path) / FILES[peer]).parent)]
        sys.modules[package] = context
    return importlib.import_module(f"{package}.{module}")


def opensphere(path: str, dimension: int, classes: int, scale: float, margin: float) -> Any:
    """Return OpenSphere's ArcFace, a module with the parameter ``w``, (C, d)."""
    return load("opensphere", path, "arcface").ArcFace(dimension, classes, s=scale, m=margin)


def insightface(path: str, dimension: int, classes: int, scale: float, margin: float, autocast: bool) -> Any:
    """Return InsightFace's PartialFC_V2 over all classes, a module with the parameter ``weight``, (C, d).

    It is written for CUDA and several processes: here tensors stay where they are, its autocast is the CPU's in
    bfloat16, and the process group has one member.
    """
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo" if sys.platform == "linux" else "lo0")
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    replace(torch.Tensor, "cuda", lambda tensor, *_, **__: tensor)
    replace(torch.cuda.amp, "autocast", lambda enabled: torch.autocast("cpu", torch.bfloat16, enabled=enabled))
    loss = load("insightface", path, "losses").ArcFace(s=scale, margin=margin)
    return load("insightface", path, "partial_fc_v2").PartialFC_V2(loss, dimension, classes, 1.0, autocast)


def replace(owner: Any, name: str, stand_in: Callable[..., Any]) -> None:
    """Put a stand-in where the peer's code looks a CUDA call up; the process serves no other peer."""
    setattr(owner, name, stand_in)

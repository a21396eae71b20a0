"""Which number format a run uses."""

from __future__ import annotations

import torch


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """Return the format of the products: bfloat16 under ``auto`` where the processor computes it.

    On a CPU without AVX-512 BF16 or AMX, bfloat16 is emulated and slower than float32.
    """
    if wanted == "auto":
        wanted = "bfloat16" if _computes_bfloat16(device) else "float32"
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))

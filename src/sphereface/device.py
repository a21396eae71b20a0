"""Where a network runs, and in which number format."""

from __future__ import annotations

import torch

from sphereface.errors import ConfigurationError


def choose_device(wanted: str, setting: str = "device") -> torch.device:
    """Return the device for ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda``, ``cuda:1``...

    On a CUDA device float32 is made to mean float32 for the whole process: torch would compute convolutions with
    10 bits of mantissa (TF32), and thresholds measured on one device would be applied to other scores on another.

    Args:
        wanted: The user's word.
        setting: What to call it in an error.

    Raises:
        ConfigurationError: If there is no such device here.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
        if device.type not in ("cpu", "cuda"):
            raise RuntimeError("only processors (cpu) and CUDA devices are known")
        torch.empty(0, device=device)
        if device.type == "cuda":
            torch.backends.cudnn.allow_tf32 = False
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"{setting} = '{wanted}' cannot be used here: {reason}") from None
    return device


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """Return the format of products: bfloat16 under ``auto`` where the device computes it, else float32.

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

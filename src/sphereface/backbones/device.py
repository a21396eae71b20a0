"""Where a network runs."""

from __future__ import annotations

import torch

from sphereface.errors import ConfigurationError


def choose_device(wanted: str, setting: str = "device") -> torch.device:
    """Return the device for ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda``, ``cuda:1``...

    Args:
        wanted: The user's word.
        setting: What to call it in an error.

    Raises:
        ConfigurationError: If there is no such device here.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        if device.type not in ("cpu", "cuda"):
            raise RuntimeError("only processors (cpu) and CUDA devices are known")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"{setting} = '{wanted}' cannot be used here: {reason}") from None
    return device

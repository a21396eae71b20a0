"""A copy of a model behind another input contract."""

from __future__ import annotations

import shutil
from pathlib import Path

from sphereface.checkpoint import ModelCard, load_card, load_tensors, save_model
from sphereface.data.learned import LEARNED_FILE
from sphereface.data.new_folder import appearing
from sphereface.faces.contract import InputContract


def save_behind(folder: Path, contract: InputContract, out: Path) -> ModelCard:
    """Save a copy of a model with another contract, and with whom it learned from; whole or not at all.

    Operating points stay behind, for they were measured with the old contract: to galleries and operating points
    the copy is another model.

    Args:
        folder: Of the model, which is not changed.
        contract: What the copy expects of a picture.
        out: A new folder.

    Returns:
        The copy's card.

    Raises:
        ModelError: If the model is missing or damaged.
        DataError: If ``out`` is there already.
        OSError: If the disk is full or the folder cannot be written.
    """
    card = load_card(folder)
    tensors = load_tensors(folder, card)
    with appearing(out) as unfinished:
        copy = card.model_copy(update={"input_contract": contract, "operating_points": ()})
        saved = save_model(unfinished, tensors, copy)
        if (folder / LEARNED_FILE).exists():
            shutil.copy(folder / LEARNED_FILE, unfinished / LEARNED_FILE)
    return saved

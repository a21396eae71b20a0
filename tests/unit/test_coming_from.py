"""The page for those who come from another project: what it says to build can be built, and its settings exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from sphereface.heads import build_head

PAGE = Path(__file__).parents[2] / "docs/coming-from.md"
LOSSES = re.findall(r"\| `(\"[a-z0-9-]+\"[^`|]*)` \|", PAGE.read_text(encoding="utf-8"))


def test_the_page_has_its_losses() -> None:
    assert len(LOSSES) >= 10


@pytest.mark.parametrize("call", LOSSES)
def test_a_loss_is_built_as_written(call: str) -> None:
    written = ast.parse(f"build_head({call})", mode="eval").body
    assert isinstance(written, ast.Call)
    settings: dict[str, Any] = {str(each.arg): ast.literal_eval(each.value) for each in written.keywords}
    name = ast.literal_eval(written.args[0])
    assert build_head(name, num_classes=10, embedding_dim=4, **settings).prototypes.shape[0] == 10

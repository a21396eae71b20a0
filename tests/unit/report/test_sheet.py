"""The sheet: every picture inside the page, names as text, nothing fetched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.report.sheet import SheetRow, write_sheet


def test_pictures_are_inside_and_names_are_text(tmp_path: Path) -> None:
    face = np.full((112, 112, 3), 90, np.uint8)
    large = np.full((900, 300, 3), 30, np.uint8)
    write_sheet(tmp_path / "sheet.html", "Who <is> it", [SheetRow("a & <b>", [("<i>.png", face), ("two", large)])])
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "http" not in page
    for text in ("Who &lt;is&gt; it", "1. a &amp; &lt;b&gt;", "&lt;i&gt;.png"):
        assert text in page
    assert "<script" not in page
    assert len(page) < 20_000  # the large picture went in small


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"sheet\.html"):
        write_sheet(tmp_path / "file" / "sheet.html", "t", [])

"""A journal that a kill, or somebody else, has left: what is whole is read, and nothing is a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sphereface.training.journal import Journal, read_journal

ROWS = [{"step": 1, "loss": 2.5}, {"step": 2, "loss": float("inf")}]


@pytest.mark.parametrize(
    "line", [b'{"step": 3, "lo', b"[1]", b"{}", b"7", b'{"step": "3"}', b'{"step": true}', b"\xff", b"[" * 100_000]
)
def test_a_line_that_is_no_row_ends_it(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in ROWS) + line)
    assert read_journal(path) == ROWS
    with Journal(path, start_step=2) as journal:
        journal.write({"step": 3, "note": "\u2028ß"})
    assert read_journal(path) == [*ROWS, {"step": 3, "note": "\u2028ß"}]


def test_a_run_resumed_writes_later_rows_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert read_journal(path) == []
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with Journal(path, start_step=1):
        pass
    assert read_journal(path) == ROWS[:1]

"""The journal of a run: one JSON object a line, appended as the run goes."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from sphereface.atomic import write_text
from sphereface.errors import MissingExtraError


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a journal up to a line that is none, as a kill leaves it; a missing file is empty."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            break
        if not isinstance(row, dict) or type(row.get("step")) is not int:
            break
        rows.append(row)
    return rows


class Journal:
    """The journal of one run, open for writing.

    Opened at a step, it first drops the rows after that step: a resumed run writes them again.

    Args:
        path: The JSONL file.
        start_step: The step the run goes on from; 0 for a new one.
        tensorboard: Folder for TensorBoard events with the same numbers, or None for none.

    Raises:
        MissingExtraError: If TensorBoard is wanted and not installed.
    """

    def __init__(self, path: Path, start_step: int, tensorboard: Path | None = None) -> None:
        self._events: Any = None if tensorboard is None else _event_writer(tensorboard, start_step)
        kept = [row for row in read_journal(path) if row["step"] <= start_step]
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))
        self._file = path.open("a", encoding="utf-8")

    def write(self, row: dict[str, Any]) -> None:
        """Append one row; it is on its way to the disk when this returns."""
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        if self._events is not None:
            for name, value in row.items():
                if isinstance(value, str):
                    self._events.add_text(name, value, row["step"])
                elif name != "step":
                    self._events.add_scalar(name, value, row["step"])

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._events is not None:
            self._events.close()


def _event_writer(folder: Path, start_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError(
            "training.tensorboard = true needs TensorBoard: pip install 'sphereface[tensorboard]'"
        ) from None
    # Events after the snapshot a run goes on from are hidden, as their rows are dropped from the journal.
    return SummaryWriter(str(folder), purge_step=start_step + 1)

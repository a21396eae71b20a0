"""What a result depends on besides recipe and data."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from sphereface import surroundings


def test_the_processor_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = tmp_path / "cpuinfo"
    listed.write_text(
        "processor\t: 0\nmodel name\t: Some Kind 9000: v2\n\nprocessor\t: 1\nmodel name\t: another\n"
    )
    monkeypatch.setattr(surroundings, "_PROCESSORS", listed)
    assert surroundings.processor() == "Some Kind 9000: v2"
    assert surroundings.machine().startswith("Some Kind 9000: v2 (")


def test_where_nobody_lists_processors_the_architecture_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(surroundings, "_PROCESSORS", tmp_path / "none")
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert surroundings.processor() == platform.machine()


def test_the_name_of_the_machine_is_not_told() -> None:
    node = platform.node() or "no name"
    assert node not in surroundings.machine()
    assert node not in surroundings.versions().values()

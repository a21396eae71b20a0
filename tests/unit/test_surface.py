"""The surface of the package: what importing it costs, what the documentation covers, what it never does."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import sphereface
from sphereface.cli.main import app

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = sorted((REPOSITORY / "src").rglob("*.py"))
HEAVY = ("torch", "cv2", "onnxruntime", "matplotlib", "scipy")


def imported_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert not imported_by("import sphereface") & {*HEAVY, "numpy", "pydantic", "PIL"}


def test_starting_the_command_line_imports_not_even_numpy() -> None:
    assert not imported_by("import sphereface.cli.main") & {*HEAVY, "numpy", "pydantic", "PIL", "rich"}


@pytest.mark.parametrize(
    "room",
    [
        "faces.image",
        "faces.alignment",
        "faces.yunet",
        "evaluation.judge",
        "report.writing",
        "gallery.gallery",
        "data.loader",
    ],
)
def test_serving_and_scoring_run_without_torch(room: str) -> None:
    assert "torch" not in imported_by(f"import sphereface.{room}")


@pytest.mark.parametrize("room", ["", ".evaluation", ".evaluation.calibration", ".report"])
def test_names_loaded_on_first_use_are_known_to_who_reads_types(room: str) -> None:
    module = importlib.import_module(f"sphereface{room}")
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    lines = [line for block in blocks for line in block.body if isinstance(line, ast.ImportFrom)]
    typed = {alias.name: line.module for line in lines for alias in line.names}
    for name, source in typed.items():
        assert getattr(importlib.import_module(str(source)), name) is getattr(module, name)
    assert set(module._PUBLIC) == set(typed)


def test_public_names_exist() -> None:
    for name in sphereface.__all__:
        assert getattr(sphereface, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sphereface.nothing  # noqa: B018


def commands() -> list[str]:
    group = typer.main.get_command(app)
    return list(group.commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help_and_documentation(name: str) -> None:
    assert f"## `sphereface {name}" in (REPOSITORY / "docs/cli.md").read_text()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY / "src/sphereface")))
def test_sources_keep_the_promises_of_the_security_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for banned in (
        r"import pickle|pickle\.load",
        r"(?<!\.)\beval\(",
        r"\bexec\(",
        r"shell=True",
        r"torch\.load\(",
    ):
        assert not re.search(banned, text), f"{path.name} has {banned}"
    assert len(text.splitlines()) <= 320, "a file this long has two ideas in it"


def test_every_page_of_the_documentation_is_in_the_menu() -> None:
    menu = (REPOSITORY / "mkdocs.yml").read_text()
    for page in (REPOSITORY / "docs").rglob("*.md"):
        assert str(page.relative_to(REPOSITORY / "docs")) in menu

"""The command reference in ``docs/cli.md``, generated from the commands themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main


def reference() -> str:
    """Return every command with its help, as Markdown."""
    from sphereface.cli.main import app

    parts = []
    for path, command in _commands(typer.main.get_command(app), ("sphereface",)):
        with command.make_context(path[-1], [], resilient_parsing=True) as context:
            # The help formatter asks the context for the whole path and for the width of the terminal.
            context.info_name, context.terminal_width, context.max_content_width = " ".join(path), 100, 100
            parts.append(f"## `{' '.join(path)}`\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Walk over the commands that do something (groups only hold others)."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from _commands(child, (*path, name))


def file_purposes() -> str:
    """Return the tree of the package with one line a file: the first line of its docstring."""
    root = Path(__file__).resolve().parents[1]
    lines = ["```text", "src/sphereface/"]
    for folder in sorted({path.parent for path in root.rglob("*.py")}):
        depth = len(folder.relative_to(root).parts)
        if depth:
            lines.append(f"{'  ' * depth}{folder.name}/")
        lines += [_line(path, depth + 1) for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    return "\n".join([*lines, "```"])


def _line(path: Path, depth: int) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return f"{'  ' * depth}{path.name:<{28 - 2 * depth}} {docstring.splitlines()[0].rstrip('.')}"

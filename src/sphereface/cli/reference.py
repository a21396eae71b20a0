"""The command reference in ``docs/cli.md``, generated from the commands themselves."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
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


def recipe_settings() -> str:
    """Return every key of a recipe with default and meaning, a table a section, from the recipe's own types."""
    from sphereface.training.recipe import Recipe, Regularizer

    fields = {name: field for name, field in Recipe.model_fields.items() if name != "regularizers"}
    sections = {name: field for name, field in fields.items() if hasattr(field.annotation, "model_fields")}
    parts = [_keys(Recipe, {name: field.default for name, field in fields.items() if name not in sections})]
    for name, field in sections.items():
        given = {} if field.is_required() else field.default.model_dump()
        parts += [f"`[{name}]`", _keys(field.annotation, _defaults(field.annotation) | given)]
        if name == "head":
            parts += ["`[[regularizers]]`, any number", _keys(Regularizer, _defaults(Regularizer))]
    return "\n\n".join(parts)


def _defaults(section: Any) -> dict[str, Any]:
    """Return the default of every key, ``...`` for one that must be given."""
    defaults: dict[str, Any] = {}
    for name, field in section.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data=defaults)
        defaults[name] = ... if field.is_required() else default
    return defaults


def _keys(section: Any, defaults: Mapping[str, Any]) -> str:
    words = _attributes(section)
    rows = [f"| `{name}` | {_toml(default)} | {words[name]} |" for name, default in defaults.items()]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows])


def _attributes(section: Any) -> dict[str, str]:
    """Read ``name: meaning`` from the paragraph ``Attributes:`` of a docstring."""
    words: dict[str, str] = {}
    name = ""
    for line in (inspect.getdoc(section) or "").partition("Attributes:\n")[2].splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            name, _, meaning = line.strip().partition(": ")
            words[name] = meaning
        elif line.strip():
            words[name] += f" {line.strip()}"
    return {name: meaning.replace("``", "`").replace("|", "\\|") for name, meaning in words.items()}


def _toml(value: Any) -> str:
    if value is ...:
        return "required"
    if value in (None, (), {}):
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"`{key} = {_toml(inner).strip('`')}`" for key, inner in value.items())
    if isinstance(value, tuple):
        return ", ".join(_toml(inner) for inner in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value:_}`" if isinstance(value, int) else f"`{value:.4g}`"
    return f"`{value}`"


def _line(path: Path, depth: int) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return f"{'  ' * depth}{path.name:<{28 - 2 * depth}} {docstring.splitlines()[0].rstrip('.')}"

"""Markdown made of texts that may come from anybody: titles, names, settings of a stranger's model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def prose(text: object) -> str:
    r"""Return a text in one line that is nothing but text: no link, no heading, no HTML, no end of a cell.

    >>> print(prose("# a [b](c) <d>\n e|f"))
    \# a \[b\](c) &lt;d> e&#124;f
    >>> print(prose("1. three - four"), prose("snake_case"), prose("8.4 %"))
    1\. three - four snake_case 8.4 %
    >>> print(prose("__dunder__"))
    \_\_dunder\_\_
    """
    line = " ".join(str(text).encode("utf-8", "replace").decode("utf-8").split())
    line = re.sub(r"([\\`*\[\]#!]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", line)
    line = re.sub(r"^(\d+)([.)])(?= |$)", r"\1\\\2", re.sub(r"^([->+])", r"\\\1", line))
    line = re.sub(r"&(?=\w+;)", "&amp;", line).replace("<", "&lt;").replace("|", "&#124;")
    return re.sub(r"^[=~]", lambda mark: f"&#{ord(mark[0])};", line)


def code(text: object) -> str:
    r"""Return a name as code, or as prose where code could not hold it.

    >>> print(code("head.scale"), code("a`b"))
    `head.scale` a\`b
    """
    name = str(text)
    return f"`{name}`" if name.isprintable() and not set("`|<") & set(name) else prose(name)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])

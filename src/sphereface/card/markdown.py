"""Markdown of texts that may come from anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a table.

    >>> print(table(("what", "value"), [("a|b", "1")]))
    | what | value |
    |---|---|
    | a\|b | 1 |
    """
    lines = ["| " + " | ".join(plain(cell).replace("|", "\\|") for cell in row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def plain(text: str) -> str:
    r"""Return a text in one line that starts no HTML.

    >>> plain("a <script>\n b")
    'a &lt;script> b'
    """
    return " ".join(str(text).split()).replace("<", "&lt;")

"""A hook of mkdocs: a page's links to the project's tests work in the built site as they do in the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

_LINK = re.compile(r"\]\((?:\.\./)+(tests/[\w./-]+)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any, **_: Any) -> str:
    """Add every test that the page links to to the site's files, and point the link there.

    A test that does not exist is left as it is, so that a strict build complains about it.
    """
    root = Path(config.config_file_path).parent

    def point(found: re.Match[str]) -> str:
        path = found.group(1)
        if not (root / path).is_file():
            return found.group()
        if files.get_file_from_path(path) is None:
            files.append(File(path, str(root), config.site_dir, config.use_directory_urls))
        return f"]({'../' * page.file.src_uri.count('/')}{path})"

    return _LINK.sub(point, markdown)

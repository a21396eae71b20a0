"""``sphereface dataset get lfw DST``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import Terminal, print_json

_KNOWN = ("lfw",)


def command(
    name: Annotated[str, typer.Argument(help="Which one: lfw, Labeled Faces in the Wild.")],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="A new folder.")],
    original: Annotated[
        bool, typer.Option("--original", help="The pictures as first published, not the funneled ones.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Get a public data set through scikit-learn, as a folder of people with its lists of pairs.

    The pictures show real people and are for research. 200 MB are downloaded, once.
    """
    from sphereface.data.getting import get_lfw
    from sphereface.errors import ConfigurationError, nearest

    if name not in _KNOWN:
        raise ConfigurationError(f"no data set is called '{name}'; known are lfw.{nearest(name, _KNOWN)}")
    fetched = get_lfw(destination, original=original, progress=Terminal())
    if as_json:
        print_json(
            {
                "folder": str(fetched.folder),
                "people": fetched.people,
                "pictures": fetched.pictures,
                "lists": list(fetched.lists),
                "kept": str(fetched.kept),
            }
        )
        return
    print(f"{fetched.pictures:,} pictures of {fetched.people:,} people: {destination}")
    print(f"lists of pairs and people: {', '.join(fetched.lists)}")
    print(f"note: scikit-learn keeps a copy in {fetched.kept}, which may be removed")
    print(f"judge a model: sphereface evaluate --data {destination} --pairs {destination / 'pairs.txt'}")

"""Protocols on the command line: the options that name one, and the list of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.output import print_json
from sphereface.errors import ConfigurationError

ProtocolFiles = Annotated[
    Path | None, typer.Option("--protocol-files", help="The protocol's own file, or the folder of its files.")
]
PairList = Annotated[
    Path | None, typer.Option("--pairs", help="Pair list instead of a protocol: LFW View 1 or 2, or CSV.")
]


def chosen_protocol(
    protocol: str | None, files: Path | None, pairs: Path | None
) -> tuple[str | None, Path | None]:
    """Return the protocol that was asked for and its files; a pair list is a protocol by itself.

    Raises:
        ConfigurationError: If what is given does not go together.
    """
    from sphereface.evaluation.pair_list import kind_of_pair_list

    if pairs is not None:
        if protocol is not None:
            raise ConfigurationError("--pairs is a protocol by itself; give --pairs or --protocol, not both")
        return kind_of_pair_list(pairs), pairs
    if protocol is None and files is not None:
        raise ConfigurationError("--protocol-files belongs to a --protocol; name one ('list' shows all)")
    return protocol, files


def print_protocols(as_json: bool) -> None:
    """Print what there is to be judged by."""
    from sphereface.evaluation.protocols import PROTOCOLS

    if as_json:
        print_json(
            {name: {"title": e.title, "citation": e.citation, "files": e.files} for name, e in PROTOCOLS.items()}
        )
        return
    width = max(map(len, PROTOCOLS))
    for name, entry in PROTOCOLS.items():
        print(f"  {name:<{width}}  {entry.title}: {entry.files or 'no files, the pictures define it'}")

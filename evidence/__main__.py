"""Run the plan, and make the page: ``python -m evidence run``, ``python -m evidence page``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evidence.schedule import QUESTIONS
from evidence.summary import SUMMARIES
from sphereface.errors import DataError

PROJECT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evidence", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, words in (("run", "make every run that is not done yet"), ("work", "one process of run")):
        about = verbs.add_parser(verb, help=words)
        about.add_argument("only", nargs="*", help=f"questions: {', '.join(QUESTIONS)}; all by default")
        about.add_argument("--shared", type=Path, default=PROJECT.parent / "shared" / "data", help="the pictures")
        about.add_argument("--work", type=Path, default=PROJECT / "runs" / "evidence", help="where weights lie")
        about.add_argument(
            "--summaries", type=Path, default=SUMMARIES, help="where the outcomes lie; done is skipped"
        )
        if verb == "run":
            about.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    about = verbs.add_parser("page", help="make the page and its figures of the summaries")
    about.add_argument("--summaries", type=Path, default=SUMMARIES, help="where the outcomes lie")
    about.add_argument(
        "--docs", type=Path, help="folder to write to: results/ and pictures/ [default: this one's]"
    )
    arguments = parser.parse_args()
    if getattr(arguments, "jobs", 1) < 1:
        parser.error("--jobs needs a number of processes from 1 upwards")
    if unknown := {*getattr(arguments, "only", ())} - {*QUESTIONS}:
        parser.error(f"unknown question '{min(unknown)}'; known: {', '.join(QUESTIONS)}")
    if arguments.verb == "page":
        from evidence.page import DOCS, write_page

        docs = arguments.docs or DOCS
        if docs.resolve() == DOCS.resolve() and arguments.summaries.resolve() != SUMMARIES.resolve():
            parser.error("--summaries of your own needs --docs FOLDER: the page of the project stays as it is")
        try:
            write_page(docs, arguments.summaries)
        except (DataError, OSError) as error:
            raise SystemExit(f"error: {error}") from None
        return 0
    from evidence import running

    if arguments.verb == "work":
        running.work(arguments.shared, arguments.work, arguments.only, arguments.summaries)
        return 0
    return running.start(arguments.shared, arguments.work, arguments.jobs, arguments.only, arguments.summaries)


if __name__ == "__main__":
    sys.exit(main())

"""The program ``sphereface``: its verbs, and the one place where errors become exit codes.

Nothing heavy is imported here or at the top of a verb's file, so that ``sphereface --help`` is instant.
"""

from __future__ import annotations

import sys
import warnings
from typing import Annotated, NoReturn

import typer

from sphereface.cli import (
    align,
    calibrate,
    compare,
    dataset,
    demo,
    doctor,
    enroll,
    evaluate,
    identify,
    margins,
    models,
    operating_point,
    plan,
    train,
    verify,
)
from sphereface.cli.output import print_json
from sphereface.errors import MissingExtraError, SpherefaceError, reason_of
from sphereface.version import __version__

_EXTRAS = {"torch": "train", "cv2": "train", "matplotlib": "report", "jinja2": "report"}

app = typer.Typer(
    name="sphereface",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train, judge and use face embeddings on the hypersphere.",
)
app.command("demo")(demo.command)
app.command("align")(align.command)
app.command("doctor")(doctor.command)
app.command("plan")(plan.command)
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.command("compare")(compare.command)
app.command("calibrate")(calibrate.command)
app.command("operating-point")(operating_point.command)
app.command("enroll")(enroll.command)
app.command("verify")(verify.command)
app.command("identify")(identify.command)
app.add_typer(dataset.app, name="dataset")
app.add_typer(margins.app, name="margins")
app.add_typer(models.app, name="models")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sphereface {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, judge and use face embeddings on the hypersphere."""


def run() -> None:
    """Run the program: a user's mistake becomes one line on stderr and exit code 2, never a traceback."""
    warnings.filterwarnings("ignore", module="PIL")  # a damaged picture is told by its outcome
    try:
        app()
    except SpherefaceError as error:
        _fail(str(error), type(error).__name__, error.exit_code)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _fail(f"this needs {error.name}: pip install 'sphereface[{extra}]'", MissingExtraError.__name__)
    except OSError as error:  # the disk, a permission, a file where a folder should be: not our mistake
        where = f" '{error.filename}'" if error.filename else ""
        _fail(f"cannot use{where}: {reason_of(error)}", "OSError")


def _fail(message: str, kind: str, exit_code: int = 2) -> NoReturn:
    if "--json" in sys.argv:
        print_json({"error": message, "kind": kind})
    print(f"error: {message}", file=sys.stderr)
    sys.exit(exit_code)

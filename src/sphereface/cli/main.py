"""The program ``sphereface``: its verbs, and the one place where errors become exit codes.

Nothing heavy is imported here or at the top of a verb's file, so that ``sphereface --help`` is instant.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

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
    forget,
    identify,
    margins,
    models,
    operating_point,
    people,
    plan,
    train,
    verify,
)
from sphereface.cli.output import print_json, write_what_can_be_written
from sphereface.errors import MissingExtraError, SpherefaceError, reason_of
from sphereface.version import __version__

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # UsageError, which typer does not name
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
app.command("people")(people.command)
app.command("forget")(forget.command)
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
    if sys.stdout is None:  # closed by who started this
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    write_what_can_be_written()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()  # a full disk is told here, not by the interpreter's end
        sys.exit(code if isinstance(code, int) else 0)
    except _USAGE_ERROR as error:
        error.show()
        _fail(error.format_message(), "UsageError", error.exit_code, said=True)
    except typer.Abort:
        _fail("stopped", "Abort", 1)
    except SpherefaceError as error:
        _fail(str(error), type(error).__name__, error.exit_code)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _fail(f"this needs {error.name}: pip install 'sphereface[{extra}]'", MissingExtraError.__name__)
    except BrokenPipeError:  # whoever reads has had enough
        _leave_stdout()
        sys.exit(1)
    except MemoryError:
        _fail("there is not enough memory for this; take smaller files or fewer pictures", "MemoryError")
    except RecursionError:
        _fail("a file is nested too deeply to be read; check the files that were named", "RecursionError")
    except OSError as error:  # the disk, a permission, a file where a folder should be: not our mistake
        where = f"use '{error.filename}'" if error.filename else "write what was to be printed"
        _fail(f"cannot {where}: {reason_of(error)}", "OSError")


def _fail(message: str, kind: str, exit_code: int = 2, *, said: bool = False) -> NoReturn:
    """End with one line on stderr, unless it was said already, and with --json one object on stdout."""
    if not said:
        print(f"error: {message}", file=sys.stderr)
    try:
        if "--json" in sys.argv:
            print_json({"error": message, "kind": kind})
        sys.stdout.flush()
    except OSError:  # nobody can be told there
        _leave_stdout()
    sys.exit(exit_code)


def _leave_stdout() -> None:
    """See to it that what could not be written is not written at the end of the process either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""``python -m sphereface``: the program, where its name is not on the path."""

from sphereface.cli.main import run

run()

"""JSON that two readers could understand in two ways is refused."""

from __future__ import annotations

import pytest

from sphereface.strict_json import read_json


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a": 1, "a": 1}', "'a' is there twice"),
        ('[{"b": {"a": 1, "b": 2, "a": null}}]', "'a' is there twice"),
        (b'{"a": NaN}', "NaN"),
        ("[-Infinity]", "-Infinity"),
        (b"[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (b"\xff", "utf-8"),
        (b"\xff\xfe1\x00", "utf-8"),
        (b"", "Expecting value"),
        ("9" * 5000, "digits"),
    ],
)
def test_what_is_refused(data: bytes | str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_json(data)


def test_what_is_read() -> None:
    assert read_json('{"a": [1, 2.5, {"a": "ß"}], "b": null}'.encode()) == {"a": [1, 2.5, {"a": "ß"}], "b": None}

"""The reader of plain pickles agrees with Python's own, and does nothing else."""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sphereface.data.plain_pickle import MOST_INSTRUCTIONS, PlainPickleError, read_plain
from sphereface.errors import DataError
from tests.unit.data import hostile_pickles
from tests.unit.data.legacy import python2


def read(data: bytes) -> Any:
    return read_plain(io.BytesIO(data), len(data), "test.bin")


def alike(ours: Any, theirs: Any) -> bool:
    """Say whether two values are equal and of equal types all the way down (True == 1 otherwise)."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return bool(ours == theirs)


def plain(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.lists(inner).map(tuple), max_leaves=40).filter(
        lambda value: depth(value) <= 16
    )


def depth(value: Any) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list | tuple) else 0


VALUES = plain(st.booleans() | st.binary(max_size=300))


@given(VALUES, st.sampled_from([3, 4, 5]))
def test_what_python_3_writes_is_read(value: Any, protocol: int) -> None:
    assert alike(read(pickle.dumps(value, protocol)), value)


@given(plain(st.booleans()), st.sampled_from([0, 1, 2]))
def test_what_python_3_writes_with_old_protocols_is_read_unless_it_has_bytes(value: Any, protocol: int) -> None:
    assert alike(read(pickle.dumps(value, protocol)), value)


@given(VALUES, st.sampled_from([0, 1, 2]))
def test_what_python_2_writes_is_read(value: Any, protocol: int) -> None:
    written = python2(value, protocol)
    assert alike(pickle.loads(written, encoding="bytes"), value)  # the writer of this test is right
    assert alike(read(written), value)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_long_bytes_and_large_lists(protocol: int) -> None:
    value = ([bytes([n % 256]) * n for n in range(1500)] + [b"x" * 70_000], [n % 2 == 0 for n in range(70_000)])
    assert read(pickle.dumps(value, protocol)) == value
    assert read(python2(value, 2)) == value


def test_bytes_of_eight_byte_length() -> None:
    assert read(b"\x8e" + struct.pack("<Q", 3) + b"abc.") == b"abc"


FRAGMENTS = [
    *(b"(", b"]", b")", b"\x88", b"\x89", b"I00\n", b"I01\n", b"l", b"t", b"a", b"e", b"\x85", b"\x86", b"\x87"),
    *(b"U\x01x", b"C\x02yz", b"T\x01\x00\x00\x00q", b"B\x00\x00\x00\x00", b"S'a\\x00\\n\\''\n", b'S"\'"\n'),
    *(
        b"q\x00",
        b"q\x01",
        b"r\x02\x00\x00\x00",
        b"p3\n",
        b"\x94",
        b"h\x00",
        b"h\x01",
        b"j\x02\x00\x00\x00",
        b"g3\n",
    ),
]


@settings(max_examples=1500)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14))
def test_whatever_is_read_is_what_pythons_own_reader_makes_of_it(fragments: list[bytes]) -> None:
    written = b"".join(fragments) + b"."
    try:
        value = read(written)
    except PlainPickleError:
        return
    # What was read has no instruction that runs code, so Python's own reader may have it.
    assert alike(value, pickle.loads(written, encoding="bytes"))


def test_a_value_referred_to_twice_is_one_object() -> None:
    image = b"x" * 1000
    first, second = read(pickle.dumps([image, image]))
    assert first is second


def test_every_instruction_of_python_is_carried_out_or_refused_by_its_name() -> None:
    understood = {
        *(
            "PROTO",
            "FRAME",
            "STOP",
            "MARK",
            "NEWTRUE",
            "NEWFALSE",
            "INT",
            "STRING",
            "BINSTRING",
            "SHORT_BINSTRING",
        ),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE"),
        *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
        *("GET", "BINGET", "LONG_BINGET"),
    }
    for opcode in pickletools.opcodes:
        if opcode.name == "STOP":
            continue
        with pytest.raises(PlainPickleError) as caught:
            read(b"\x88\x89\x86" + opcode.code.encode("latin-1"))
        if opcode.name not in understood:
            assert (caught.value.instruction, caught.value.position) == (opcode.name, 3)
            assert f"'test.bin' at byte 3 ({opcode.name})" in str(caught.value)
    runs = {"GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}
    runs |= {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"}
    for opcode in pickletools.opcodes:
        if opcode.name in runs:
            with pytest.raises(PlainPickleError, match="asks for code to be run, and nothing here runs any"):
                read(opcode.code.encode("latin-1"))


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a path that hostile pickles try to make a file at."""
    return tmp_path_factory.mktemp("canary") / "canary"


@pytest.fixture(scope="module")
def payloads(canary: Path) -> dict[str, bytes]:
    return hostile_pickles.refused(str(canary))


@pytest.mark.parametrize("name", sorted(hostile_pickles.refused("x")))
def test_hostile_pickles_are_refused_and_run_nothing(name: str, payloads: dict[str, bytes], canary: Path) -> None:
    began = time.monotonic()
    with pytest.raises(PlainPickleError):
        read(payloads[name])
    assert time.monotonic() - began < 5  # a busy machine; the fuzz run measures
    assert not canary.exists()


def test_there_are_fifty_of_them_and_they_mean_it(tmp_path: Path) -> None:
    """Python's own reader runs what the payloads ask for, so a reader that ran anything would be found out."""
    assert len(hostile_pickles.refused("x")) >= 50
    for number, name in enumerate(hostile_pickles.running("x")):
        path = tmp_path / str(number)
        value = pickle.loads(hostile_pickles.running(str(path))[name])
        if hasattr(value, "close"):
            value.close()
        assert path.exists(), name


def test_registered_extensions_are_refused_too(tmp_path: Path) -> None:
    hostile_pickles.register_extensions()
    try:
        pickle.loads(hostile_pickles.extension(str(tmp_path / "proof"), 240))
        assert (tmp_path / "proof").exists()
        for code in (240, 1000, 100_000):
            with pytest.raises(PlainPickleError, match="EXT"):
                read(hostile_pickles.extension(str(tmp_path / "canary"), code))
    finally:
        hostile_pickles.unregister_extensions()
    assert not (tmp_path / "canary").exists()


def test_the_caps_are_where_they_are_said_to_be() -> None:
    assert depth(read(b"]" * 16 + b"a" * 15 + b".")) == 16
    assert len(read(b"(" + b"\x88" * (MOST_INSTRUCTIONS - 3) + b"l.")) == MOST_INSTRUCTIONS - 3
    with pytest.raises(PlainPickleError, match="more than 250,000 instructions"):
        read(b"(" + b"\x88" * (MOST_INSTRUCTIONS - 2) + b"l.")


def test_lengths_are_checked_before_anything_is_read() -> None:
    class Untouchable(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 <= size <= 8
            return super().read(size)

    for data, says in {
        b"T\xff\xff\xff\xffa.": "a length is negative",
        b"B\xff\xff\xff\xffa.": "4,294,967,295 bytes should follow, 2 do",
        b"\x8e" + bytes(7) + b"\x80a.": "9,223,372,036,854,775,808 bytes should follow, 2 do",
    }.items():
        with pytest.raises(PlainPickleError, match=says):
            read_plain(Untouchable(data), len(data), "test.bin")


def test_a_billion_values_in_a_hundred_bytes_are_counted_not_walked(payloads: dict[str, bytes]) -> None:
    with pytest.raises(PlainPickleError, match="holds more than 250,000 values"):
        read(payloads["billion laughs"])


def test_a_file_that_became_shorter_is_refused() -> None:
    with pytest.raises(DataError, match="became shorter"):
        read_plain(io.BytesIO(b"U\x05ab"), 100, "test.bin")


def test_numpy_arrays_are_refused_with_the_way_out() -> None:
    import numpy as np

    written = pickle.dumps(([np.zeros(3, np.uint8)] * 2, [True]), 4)
    with pytest.raises(PlainPickleError, match=r"Numpy arrays.*let them write plain bytes with protocol 4"):
        read(written)

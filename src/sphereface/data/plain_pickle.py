"""Read the field's pickled evaluation files (``.bin``) without an unpickler: plain values and nothing else.

A pickle is a program for a small stack machine, and some of its instructions import and call whatever the file
names. This machine has instructions that build four kinds of plain values and none that does anything else, so
a file can at worst be refused. The instruction set, protocols 0 to 5, is documented in Python's ``pickletools``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias

from sphereface.data.streams import Source
from sphereface.errors import DataError

Plain: TypeAlias = "bytes | bool | list[Plain] | tuple[Plain, ...]"

MOST_INSTRUCTIONS: Final = 250_000
"""Of one file, and the most values in it, one that occurs twice counted twice. Enough for 50,000 pairs."""

DEEPEST: Final = 16
"""Levels of lists and tuples inside each other; an evaluation file has three."""

_ADVICE = (
    "Numpy arrays, and bytes that Python 3 wrote with protocol 0 to 2, look like this, too: "
    "if you trust its author, let them write plain bytes with protocol 4"
)
_NEWEST_PROTOCOL = 5
_LONGEST_NUMBER = 20  # characters of a memo number as text
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([\\'\"nrt])|)")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class PlainPickleError(DataError):
    """A pickle holds more than plain values, or is damaged.

    Attributes:
        instruction: The name of the instruction that was refused, as in ``pickletools``; empty at the end.
        position: Its place in the file in bytes.
    """

    def __init__(self, message: str, instruction: str, position: int) -> None:
        super().__init__(message)
        self.instruction = instruction
        self.position = position


def read_plain(file: Source, size: int, name: str) -> Plain:
    r"""Read one pickled value that consists of lists, tuples, bytes and booleans.

    Strings written by Python 2 count as bytes. A value that is referred to twice is the same object twice.

    Args:
        file: Read from where it stands.
        size: How many bytes it has from there; no more are read, and nothing larger is allocated.
        name: What to call it in messages.

    Raises:
        PlainPickleError: For any other value, for every instruction that would run code, and for damage.

    >>> import io
    >>> read_plain(io.BytesIO(b"(U\x02abI01\nt."), 11, "pair.bin")
    (b'ab', True)
    """
    machine = _Machine(file, size, name)
    while not machine.stopped:
        machine.step()
    return machine.result()


class _Machine:
    """The stack machine; every method named after an instruction carries it out."""

    def __init__(self, file: Source, size: int, name: str) -> None:
        self.file, self.size, self.name = file, size, name
        self.stopped = False
        self.position = 0  # of the next byte
        self.began = 0  # the instruction under way
        self.instruction = ""
        self.count = 0
        self.stack: list[Plain] = []
        self.below: list[list[Plain]] = []  # the stack under each mark
        self.memo: dict[int, Plain] = {}

    def step(self) -> None:
        self.began, self.instruction = self.position, ""
        code = self.take(1)[0]
        self.count += 1
        if self.count > MOST_INSTRUCTIONS:
            self.refuse(f"has more than {MOST_INSTRUCTIONS:,} instructions")
        if code not in _INSTRUCTIONS:
            self.refuse_instruction(code)
        self.instruction, act = _INSTRUCTIONS[code]
        act(self)

    def refuse_instruction(self, code: int) -> NoReturn:
        self.instruction = _RUNS_CODE.get(code) or _FOREIGN.get(code, "")
        if code in _RUNS_CODE:
            self.refuse(f"asks for code to be run, and nothing here runs any. {_ADVICE}")
        if code in _FOREIGN:
            self.refuse(f"holds a value that is no list, tuple, bytes or boolean. {_ADVICE}")
        self.refuse(f"is no pickle, or damaged: there is no instruction 0x{code:02x}")

    def result(self) -> Plain:
        value = self.pop()
        if self.stack or self.below:
            self.refuse("is damaged: it ends with values left over")
        if self.position != self.size:
            self.refuse(f"is damaged: {self.size - self.position:,} bytes follow its end")
        self._check_shape(value)
        return value

    def refuse(self, what: str) -> NoReturn:
        where = f"at byte {self.began:,}" + (f" ({self.instruction})" if self.instruction else "")
        raise PlainPickleError(f"'{self.name}' {where} {what}", self.instruction, self.began)

    # What the instructions are made of

    def take(self, count: int) -> bytes:
        left = self.size - self.position
        if count > left:
            self.refuse(f"is cut short: {count:,} bytes should follow, {left:,} do")
        data = self.file.read(count)
        if len(data) != count:
            self.refuse("became shorter while it was read")
        self.position += count
        return data

    def number(self, layout: str) -> int:
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def line(self, longest: int) -> bytes:
        data = self.file.readline(min(longest + 1, self.size - self.position))
        if not data.endswith(b"\n"):
            self.refuse("is damaged: a line has no end")
        self.position += len(data)
        return data[:-1]

    def line_number(self) -> int:
        text = self.line(_LONGEST_NUMBER)
        if not text.isdigit():
            self.refuse("is damaged: a memo number is none")
        return int(text)

    def push(self, value: Plain) -> None:
        self.stack.append(value)

    def pop(self) -> Plain:
        if not self.stack:
            self.refuse("is damaged: a value is missing")
        return self.stack.pop()

    def pop_mark(self) -> list[Plain]:
        if not self.below:
            self.refuse("is damaged: a mark is missing")
        items, self.stack = self.stack, self.below.pop()
        return items

    def extend(self, items: list[Plain]) -> None:
        target = self.stack[-1] if self.stack else None
        if not isinstance(target, list):
            self.refuse("is damaged: something is appended to no list")
        target.extend(items)

    def remember(self, key: int) -> None:
        if not self.stack:
            self.refuse("is damaged: a value is missing")
        self.memo[key] = self.stack[-1]

    def recall(self, key: int) -> None:
        if key not in self.memo:
            self.refuse(f"is damaged: nothing was remembered as {key}")
        self.push(self.memo[key])

    def sized_bytes(self, layout: str) -> None:
        count = self.number(layout)
        if count < 0:
            self.refuse("is damaged: a length is negative")
        self.push(self.take(count))

    # The instructions that need more than one line

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def quoted(self) -> None:
        """Take a Python 2 string as its source writes it, between quotes."""
        text = self.line(self.size)
        if len(text) < 2 or text[:1] not in (b"'", b'"') or text[-1:] != text[:1]:
            self.refuse("is damaged: a string has no quotes")
        self.push(_ESCAPE.sub(self._unescaped, text[1:-1]))

    def _unescaped(self, match: re.Match[bytes]) -> bytes:
        code, letter = match.groups()
        if code is not None:
            return bytes.fromhex(code.decode())
        if letter is None:
            self.refuse("is damaged: a string has an unknown escape")
        return _ESCAPED.get(letter, letter)

    def truth(self) -> None:
        text = self.line(_LONGEST_NUMBER)
        if text not in (b"00", b"01"):  # protocols 0 and 1 write booleans so, and other numbers without the zero
            self.refuse(f"holds a value that is no list, tuple, bytes or boolean. {_ADVICE}")
        self.push(text == b"01")

    def protocol(self) -> None:
        version = self.number("<B")
        if self.began or version > _NEWEST_PROTOCOL:
            self.refuse(f"is damaged, or of a pickle protocol newer than {_NEWEST_PROTOCOL}")

    def frame(self) -> None:
        if self.number("<Q") > self.size - self.position:
            self.refuse("is cut short: a frame is larger than what is left")

    def stop(self) -> None:
        self.stopped = True

    def _check_shape(self, value: Plain) -> None:
        """Refuse a value that refers to itself, or to others so often that walking over it would take for ever."""
        walk = [(value, 1)] if isinstance(value, list | tuple) else []
        seen = 1
        while walk:
            current, depth = walk.pop()
            seen += len(current)
            if depth > DEEPEST:
                self.refuse(f"nests lists more than {DEEPEST} levels deep")
            if seen > MOST_INSTRUCTIONS:
                self.refuse(f"holds more than {MOST_INSTRUCTIONS:,} values")
            walk.extend((item, depth + 1) for item in current if isinstance(item, list | tuple))


_Act: TypeAlias = Callable[[_Machine], None]

_INSTRUCTIONS: Final[dict[int, tuple[str, _Act]]] = {
    0x80: ("PROTO", _Machine.protocol),
    0x95: ("FRAME", _Machine.frame),
    ord("."): ("STOP", _Machine.stop),
    ord("("): ("MARK", _Machine.mark),
    0x88: ("NEWTRUE", lambda m: m.push(True)),
    0x89: ("NEWFALSE", lambda m: m.push(False)),
    ord("I"): ("INT", _Machine.truth),
    ord("S"): ("STRING", _Machine.quoted),
    ord("T"): ("BINSTRING", lambda m: m.sized_bytes("<i")),
    ord("U"): ("SHORT_BINSTRING", lambda m: m.sized_bytes("<B")),
    ord("B"): ("BINBYTES", lambda m: m.sized_bytes("<I")),
    ord("C"): ("SHORT_BINBYTES", lambda m: m.sized_bytes("<B")),
    0x8E: ("BINBYTES8", lambda m: m.sized_bytes("<Q")),
    ord("]"): ("EMPTY_LIST", lambda m: m.push([])),
    ord("l"): ("LIST", lambda m: m.push(m.pop_mark())),
    ord("a"): ("APPEND", lambda m: m.extend([m.pop()])),
    ord("e"): ("APPENDS", lambda m: m.extend(m.pop_mark())),
    ord(")"): ("EMPTY_TUPLE", lambda m: m.push(())),
    ord("t"): ("TUPLE", lambda m: m.push(tuple(m.pop_mark()))),
    0x85: ("TUPLE1", lambda m: m.tuple_of(1)),
    0x86: ("TUPLE2", lambda m: m.tuple_of(2)),
    0x87: ("TUPLE3", lambda m: m.tuple_of(3)),
    ord("p"): ("PUT", lambda m: m.remember(m.line_number())),
    ord("q"): ("BINPUT", lambda m: m.remember(m.number("<B"))),
    ord("r"): ("LONG_BINPUT", lambda m: m.remember(m.number("<I"))),
    0x94: ("MEMOIZE", lambda m: m.remember(len(m.memo))),
    ord("g"): ("GET", lambda m: m.recall(m.line_number())),
    ord("h"): ("BINGET", lambda m: m.recall(m.number("<B"))),
    ord("j"): ("LONG_BINGET", lambda m: m.recall(m.number("<I"))),
}


def _named(codes: bytes, names: str) -> dict[int, str]:
    return dict(zip(codes, names.split(), strict=True))


_RUNS_CODE: Final = _named(
    b"c\x93Rbio\x81\x92\x82\x83\x84PQ\x97\x98",
    "GLOBAL STACK_GLOBAL REDUCE BUILD INST OBJ NEWOBJ NEWOBJ_EX EXT1 EXT2 EXT4 PERSID BINPERSID "
    "NEXT_BUFFER READONLY_BUFFER",
)

_FOREIGN: Final = _named(
    b"NJKML\x8a\x8bFGVX\x8c\x8d\x96}dsu\x8f\x90\x91012",
    "NONE BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE BINUNICODE SHORT_BINUNICODE "
    "BINUNICODE8 BYTEARRAY8 EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET ADDITEMS FROZENSET "
    "POP POP_MARK DUP",  # plain values need none of the last three
)

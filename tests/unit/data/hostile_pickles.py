"""Pickles that want to run a command, to fill the memory, or to take for ever."""

from __future__ import annotations

import copyreg
import os
import pickle
import struct
from typing import Any


class _Reduced:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


class _State:
    def __setstate__(self, state: str) -> None:
        os.system(state)


class _StateOf(_State):
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return _State, (), self.command


def running(canary: str) -> dict[str, bytes]:
    """Return pickles that make a file at ``canary`` if an unpickler reads them."""
    shell = f"touch {canary}"
    text = f"S'{shell}'\n".encode()
    code = f'S\'__import__("os").system("{shell}")\'\n'.encode()
    short = b"\x8c" + bytes([len(shell)]) + shell.encode()
    found = {
        "GLOBAL os.system REDUCE": b"cos\nsystem\n(" + text + b"tR.",
        "GLOBAL posix.system REDUCE": b"cposix\nsystem\n(" + text + b"tR.",
        "GLOBAL eval": b"cbuiltins\neval\n(" + code + b"tR.",
        "GLOBAL exec": b"cbuiltins\nexec\n(" + code + b"tR.",
        "GLOBAL exec, mapped from Python 2": b"c__builtin__\neval\n(" + code + b"tR.",
        "GLOBAL subprocess.call": b"csubprocess\ncall\n((lS'touch'\naS'" + canary.encode() + b"'\natR.",
        "GLOBAL subprocess.getoutput": b"csubprocess\ngetoutput\n(" + text + b"tR.",
        "GLOBAL timeit.timeit": b"ctimeit\ntimeit\n(" + code + code + b"ctimeit\ndefault_timer\nI1\ntR.",
        "GLOBAL nt-style open": b"cio\nopen\n(S'" + canary.encode() + b"'\nS'w'\ntR.",
        "INST": b"(" + text + b"ios\nsystem\n.",
        "OBJ": b"(cos\nsystem\n" + text + b"o.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + short + b"\x85R.",
        "inside an evaluation file": b"\x80\x02]U\x01aacos\nsystem\n" + text + b"\x85R\x86.",
        "behind a memo": b"cos\nsystem\np0\n0(" + text + b"p1\n0g0\n(g1\ntR.",
        "popped away": b"cos\nsystem\n(" + text + b"tR0].",
    }
    for protocol in range(6):
        found[f"__reduce__, protocol {protocol}"] = pickle.dumps(_Reduced(shell), protocol)
        found[f"__setstate__, protocol {protocol}"] = pickle.dumps([_StateOf(shell)], protocol)
    return found


def extension(canary: str, code: int) -> bytes:
    """Return a pickle that runs a command through the extension registry, for a registered ``os.system``."""
    registered = {240: b"\x82\xf0", 1000: b"\x83\xe8\x03", 100_000: b"\x84\xa0\x86\x01\x00"}[code]
    return b"\x80\x02" + registered + f"(S'touch {canary}'\ntR.".encode()


def register_extensions() -> None:
    """Let code 240, 1000 and 100000 mean something that runs commands, as an application could have done."""
    for code, name in ((240, "system"), (1000, "popen"), (100_000, "execlp")):
        copyreg.add_extension("os", name, code)


def unregister_extensions() -> None:
    for code, name in ((240, "system"), (1000, "popen"), (100_000, "execlp")):
        copyreg.remove_extension("os", name, code)


def refused(canary: str) -> dict[str, bytes]:
    """Return pickles that have to be refused, those of :func:`running` among them."""
    many = 300_000
    laughs = b"(]q\x00" + b"".join(
        b"]" + b"q" + bytes([n]) + b"(" + (b"h" + bytes([n - 1])) * 10 + b"e" for n in range(1, 12)
    )
    return {
        **running(canary),
        **{f"EXT {code}": extension(canary, code) for code in (240, 1000, 100_000)},
        "GLOBAL alone": b"cos\nsystem\n.",
        "GLOBAL without end": b"cos",
        "STACK_GLOBAL of bytes": b"U\x02osU\x06system\x93.",
        "REDUCE of bytes": b"U\x02os)R.",
        "NEWOBJ": b"\x80\x02cos\n_Environ\n)\x81.",
        "NEWOBJ_EX": b"\x80\x04\x8c\x02os\x8c\x08_Environ\x93)}\x92.",
        "NEWOBJ of bytes": b"U\x02os)\x81.",
        "NEWOBJ_EX of bytes": b"U\x02os))\x92.",
        "BUILD": b"]U\x01ab.",
        "OBJ of bytes": b"(U\x02oso.",
        "numpy's bytes": pickle.dumps(b"abc", 2),
        "PERSID": b"Pmodule\n.",
        "BINPERSID": b"U\x01aQ.",
        "NEXT_BUFFER": b"\x80\x05\x97.",
        "READONLY_BUFFER": b"\x80\x05\x97\x98.",
        "EXT1 0": b"\x82\x00.",
        "None": b"N.",
        "a number": b"K\x01.",
        "a float": b"G" + bytes(8) + b".",
        "a decimal number of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
        "a LONG of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
        "LONG1": b"\x8a\x01\x01.",
        "LONG4, negative": b"\x8b" + struct.pack("<i", -1) + b".",
        "LONG4, giant": b"\x8b" + struct.pack("<i", 2**31 - 1) + b".",
        "unicode": pickle.dumps("é", 4),
        "BINUNICODE8, giant": b"\x8d" + struct.pack("<Q", 2**63) + b".",
        "BYTEARRAY8, giant": b"\x96" + struct.pack("<Q", 2**63) + b".",
        "a dictionary": pickle.dumps({b"a": True}, 4),
        "a set": pickle.dumps({True}, 4),
        "BINBYTES, giant": b"B" + struct.pack("<I", 2**32 - 1) + b"a.",
        "BINBYTES8, 2**63": b"\x8e" + struct.pack("<Q", 2**63) + b"a.",
        "BINBYTES8, 2**64 - 1": b"\x8e" + b"\xff" * 8 + b"a.",
        "BINSTRING, negative": b"T" + struct.pack("<i", -1) + b"a.",
        "BINSTRING, giant": b"T" + struct.pack("<i", 2**31 - 1) + b"a.",
        "FRAME, giant": b"\x80\x04\x95" + b"\xff" * 8 + b"].",
        "PROTO 255": b"\x80\xff].",
        "PROTO twice": b"\x80\x02\x80\x02].",
        "billion laughs": laughs + b"l.",
        "a list in itself": b"]q\x00h\x00a.",
        "a list in its tuple": b"]q\x00h\x00\x85a.",
        "a list that doubles itself": b"]q\x00" + b"(h\x00h\x00e" * 1000 + b".",
        "one picture many times": b"](U\x01aq\x00" + b"h\x00" * many + b"e.",
        "many marks": b"(" * many + b".",
        "many lists": b"]" * many + b".",
        "many memos": b"]" + b"\x94" * many + b".",
        "many levels of tuples": b")" + b"\x85" * 240_000 + b".",
        "many levels of lists": b"(" * 120_000 + b"l" * 120_000 + b".",
        "seventeen levels": b"]" * 17 + b"a" * 16 + b".",
        "a memo number of a million digits": b"]p" + b"9" * 1_000_000 + b"\n.",
        "an unknown memo": b"h\x07.",
        "an unknown long memo": b"j\xff\xff\xff\xff.",
        "a negative memo": b"]p-1\n.",
        "a memo of nothing": b"q\x00.",
        "nothing": b"",
        "no stop": b"](U\x01a",
        "stop alone": b".",
        "stop with a mark": b"(].",
        "stop with two values": b"]].",
        "bytes behind the stop": b"].]",
        "a tuple of too little": b"]\x87.",
        "an append to nothing": b"]a.",
        "an append to a tuple": b")]a.",
        "an append across a mark": b"](U\x01aa.",
        "appends without a mark": b"]U\x01ae.",
        "a list without a mark": b"]l.",
        "a tuple without a mark": b"]t.",
        "POP": b"]]0.",
        "POP_MARK": b"](]1.",
        "DUP": b"]2\x86.",
        "a string without quotes": b"Sabc\n.",
        "a string with one quote": b"S'\n.",
        "a string with a wrong escape": b"S'\\q'\n.",
        "a string without end": b"S'abc",
        "no instruction": b"\xfe.",
        "a picture": b"\xff\xd8\xff\xe0",
    }

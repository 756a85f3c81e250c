"""Pickles read as data: whatever a file asks to import or to call is written down and never done.

A pickle is a program for a small stack machine. This machine runs the steps that only move data; a step that would
import leaves a `Name`, one that would call leaves a `Made`. Neither can do anything, so no file can, whatever version
of torch is here. The standard library's `pickletools` decodes the opcodes; it imports and calls nothing either.
"""

from __future__ import annotations

import pickletools
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import IO, Any, cast

MOST_STEPS = 4_000_000
"""Steps of one pickle; a checkpoint of SDXL with its optimiser takes about a tenth of them."""

DATA_MODULES = frozenset(
    {
        "argparse",
        "collections",
        "copy_reg",
        "copyreg",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "_codecs",
        "pathlib",
        "types",
        "typing",
        "uuid",
        "_collections_abc",
    }
)
"""Modules of the standard library whose classes and makers stand in sound checkpoints, beside their weights."""

DATA_BUILTINS = frozenset(
    {
        "bool",
        "bytearray",
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "getattr",
        "int",
        "list",
        "long",
        "object",
        "range",
        "set",
        "slice",
        "str",
        "tuple",
        "type",
        "unicode",
    }
)
"""Of the built-in names those that do; `getattr` is how an enumeration's member is pickled."""


class BadPickle(Exception):
    """The pickle is damaged, or uses what no checkpoint does; the message says what, in a few words."""


class CodeInPickle(BadPickle):
    """The pickle asks to call something of the standard library that is no data, such as os.system."""


@dataclass(frozen=True)
class Name:
    """A class or function that the file names; it was not imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """An object as the file describes it; it was not made.

    Attributes:
        maker: what the file would call.
        args: what it would call it with.
        state: what it would fill it with.
        entries: what it would append to it, or put into it as a set.
        items: what it would set in it by key.
    """

    maker: Any
    args: Any
    state: Any = None
    entries: list[Any] = field(default_factory=list)
    items: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Outside:
    """Something that lies outside the pickle (torch: a storage), by its id."""

    id: Any


@dataclass(frozen=True, eq=False)
class _Key:
    """A key of a dictionary that is neither a text nor a number nor a name; only itself equals it."""

    value: Any


def read_pickle(file: IO[bytes], size: int, outsides: list[Outside] | None = None) -> Any:
    """The next pickle of a file, as data.

    Args:
        file: at the pickle's start; afterwards at its end.
        size: bytes that are left in the file.
        outsides: a list that gets every `Outside` in the order of the file.

    Returns:
        Made of dict, list, tuple, str, bytes, int, float, bool, None, `Name`, `Made` and `Outside`. Sets come as lists.
        The same object may stand in it many times, or inside itself.

    Raises:
        CodeInPickle: it would call what is no data.
        BadPickle: it is damaged or too long.
    """
    machine = _Machine([] if outsides is None else outsides)
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], _Bounded(file, size)))):
            if opcode.name == "STOP":
                return machine.pop()
            if number >= MOST_STEPS:
                raise BadPickle("too many steps")
            machine.step(opcode.name, argument)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError) as error:
        raise BadPickle((str(error).strip().splitlines() or [type(error).__name__])[0][:100]) from None
    raise BadPickle("no end")


class _Bounded:
    """A file that gives no more than what is left of it, so that a length in it cannot ask for memory."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise ValueError("it ends too early")
        self._left -= size
        return self._file.read(size)

    def readline(self) -> bytes:
        line = self._file.readline(self._left)
        self._left -= len(line)
        return line


class _Machine:
    """The stack, the memo, and the steps by the name of their opcode."""

    def __init__(self, outsides: list[Outside]) -> None:
        self.outsides = outsides
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _ARGUMENTS:
            self.stack.append(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise BadPickle(f"the opcode {name}")

    def pop(self) -> Any:
        if self.marks and self.marks[-1] >= len(self.stack):
            raise BadPickle("a stack that does not fit")
        return self.stack.pop()

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def make(self, maker: Any, args: Any) -> None:
        if not isinstance(maker, Name):
            raise CodeInPickle("what a call gave is called")
        if _is_code(maker):
            raise CodeInPickle(str(maker))
        self.stack.append(Made(maker, args))

    def refer(self, identity: Any) -> None:
        self.outsides.append(Outside(identity))
        self.stack.append(self.outsides[-1])

    def put(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        (target.entries if isinstance(target, Made) else target).extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, Made) else target
        for key, value in zip(values[::2], values[1::2], strict=True):
            items[_hashable(key)] = value

    def build(self, _: Any) -> None:
        state = self.pop()
        target = self.stack[-1]
        if not isinstance(target, Made):
            raise BadPickle("a state for what has none")
        target.state = state


def _is_code(name: Name) -> bool:
    root = name.module.split(".")[0]
    if root in ("builtins", "__builtin__"):
        return name.name not in DATA_BUILTINS
    return root in sys.stdlib_module_names and (root not in DATA_MODULES or "." in name.name)


def _hashable(key: Any) -> Hashable:
    """The key, or what stands for it: the hash of a tuple takes as long as the file likes."""
    plain = key is None or isinstance(key, (str, bytes, int, float, Name))
    return key if plain else _Key(key)


def _pairs(values: list[Any]) -> dict[Hashable, Any]:
    return {_hashable(key): value for key, value in zip(values[::2], values[1::2], strict=True)}


def _pop_many(machine: _Machine, count: int) -> list[Any]:
    return [machine.pop() for _ in range(count)][::-1]


def _pop_one(machine: _Machine, _: Any) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _forget(machine: _Machine, _: Any) -> None:
    machine.since_mark()


def _global(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine.stack.append(Name(module, name))


def _stack_global(machine: _Machine, _: Any) -> None:
    module, name = _pop_many(machine, 2)
    if not isinstance(module, str) or not isinstance(name, str):
        raise BadPickle("a name that is no text")
    machine.stack.append(Name(module, name))


def _instance(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine.make(Name(module, name), tuple(machine.since_mark()))


def _object(machine: _Machine, _: Any) -> None:
    maker, *args = machine.since_mark()
    machine.make(maker, tuple(args))


def _call(machine: _Machine, _: Any) -> None:
    machine.make(*_pop_many(machine, 2))


def _call_with_names(machine: _Machine, _: Any) -> None:
    maker, args, named = _pop_many(machine, 3)
    machine.make(maker, (args, named))


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
"""Steps that push a value that cannot change."""

_ARGUMENTS = frozenset(
    {
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    }
)
"""Steps that push what they carry."""

_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "POP": _pop_one,
    "POP_MARK": _forget,
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_SET": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "FROZENSET": lambda machine, _: machine.stack.append(machine.since_mark()),
    "DICT": lambda machine, _: machine.stack.append(_pairs(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.stack.append(tuple(_pop_many(machine, 1))),
    "TUPLE2": lambda machine, _: machine.stack.append(tuple(_pop_many(machine, 2))),
    "TUPLE3": lambda machine, _: machine.stack.append(tuple(_pop_many(machine, 3))),
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "ADDITEMS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(_pop_many(machine, 2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "PUT": lambda machine, number: machine.put(number),
    "BINPUT": lambda machine, number: machine.put(number),
    "LONG_BINPUT": lambda machine, number: machine.put(number),
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "GET": lambda machine, number: machine.stack.append(machine.memo[number]),
    "BINGET": lambda machine, number: machine.stack.append(machine.memo[number]),
    "LONG_BINGET": lambda machine, number: machine.stack.append(machine.memo[number]),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _instance,
    "OBJ": _object,
    "NEWOBJ": _call,
    "NEWOBJ_EX": _call_with_names,
    "REDUCE": _call,
    "BUILD": _Machine.build,
    "PERSID": lambda machine, argument: machine.refer(argument),
    "BINPERSID": lambda machine, _: machine.refer(machine.pop()),
}

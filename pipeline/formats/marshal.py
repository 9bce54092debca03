"""A canonical form of marshalled code: equal code gives equal bytes in every process.

``marshal.dumps`` depends on more than the value. Which objects carry FLAG_REF depends on reference
counts, which strings are marked as interned on what else the process has interned, and the order
of a frozenset on both (and on hashes before CPython 3.11). So the dump is read into a tree and
written again by value alone: equal constants are one object, a repeated value is a reference, a
string is interned when CPython would intern it as a constant, and sets are sorted. The format is
that of ``Python/marshal.c`` in CPython 3.8 to 3.15 (versions 4 and 5).

This module also runs in the line's interpreter, so it is limited to what Python 3.8 has.
"""

from __future__ import annotations

import string
import struct
from collections import Counter

_FLAG_REF = 0x80
_REF, _CODE, _TUPLE, _SET, _SLICE, _TEXT, _BYTES, _LONG = (ord(kind) for kind in "rc(>:usl")
_SMALL_TUPLE = ord(")")
_PAYLOAD_BYTES = {**dict.fromkeys(b"NTF.S", 0), ord("i"): 4, ord("g"): 8, ord("y"): 16}
"""None, True, False, Ellipsis, StopIteration, a small int, a float, a complex number."""
_SHORT_TEXT = frozenset(b"zZ")
_LONG_TEXT = frozenset(b"aAtu")
_LONG_DIGIT_BYTES = 2
_IDENTIFIER = frozenset((string.ascii_letters + string.digits + "_").encode())
"""CPython interns string constants of these characters (``all_name_chars``)."""
_INT32 = struct.Struct("<i")


class FormatError(ValueError):
    """The dump is not a code object of a known format."""


class Layout:
    """How a code object is written: whole numbers, objects, the first line, objects."""

    __slots__ = ("after", "before", "numbers")

    def __init__(self, numbers: int, before: int, after: int) -> None:
        self.numbers, self.before, self.after = numbers, before, after


_LAYOUT_38 = Layout(numbers=6, before=8, after=1)
_LAYOUT_311 = Layout(numbers=5, before=8, after=2)


def code_layout(version: tuple[int, int]) -> Layout:
    """The layout of a CPython version; newer ones than 3.15 are assumed to be like 3.15."""
    return _LAYOUT_311 if version >= (3, 11) else _LAYOUT_38


class _Node:
    """One value. Equal values are one node, except code objects, which are compared by identity."""

    __slots__ = ("data", "items", "kind")

    def __init__(self, kind: int, data: bytes, items: tuple[_Node, ...]) -> None:
        self.kind, self.data, self.items = kind, data, items


def canonical(dump: bytes, layout: Layout) -> bytes:
    """The canonical form of what ``marshal.dumps`` wrote; raises ``FormatError``."""
    reader = _Reader(dump, layout)
    try:
        root = reader.read()
    except (struct.error, IndexError) as fault:
        raise FormatError(f"it ends early, at byte {reader.at}") from fault
    if reader.at != len(dump):
        raise FormatError(f"trailing data at byte {reader.at}")
    return _dump(root, layout)


class _Reader:
    """Reads one dump; ``at`` is the offset of the next byte."""

    def __init__(self, dump: bytes, layout: Layout) -> None:
        self._dump = dump
        self._layout = layout
        self._refs: list[_Node | None] = []
        self._known: dict[tuple[int, bytes, tuple[int, ...]], _Node] = {}
        self.at = 0

    def read(self) -> _Node:
        mark = self._dump[self.at]
        self.at += 1
        kind = mark & ~_FLAG_REF
        if kind == _REF:
            return self._read_ref()
        slot = len(self._refs)
        if mark & _FLAG_REF:
            self._refs.append(None)
        node = self._value(kind)
        if mark & _FLAG_REF:
            self._refs[slot] = node
        return node

    def _value(self, kind: int) -> _Node:
        if kind in _SHORT_TEXT or kind in _LONG_TEXT:
            size = self._take(1)[0] if kind in _SHORT_TEXT else self._int32()
            return self._node(_TEXT, self._take(size))
        if kind in _PAYLOAD_BYTES:
            return self._node(kind, self._take(_PAYLOAD_BYTES[kind]))
        if kind == _BYTES:
            return self._node(_BYTES, self._take(self._int32()))
        if kind == _LONG:
            return self._node(_LONG, self._long())
        if kind == _CODE:
            return self._code()
        return self._group(kind)

    def _group(self, kind: int) -> _Node:
        if kind == _SMALL_TUPLE:
            return self._node(_TUPLE, b"", self._read_items(self._take(1)[0]))
        if kind == _TUPLE:
            return self._node(_TUPLE, b"", self._read_items(self._int32()))
        if kind == _SLICE:
            return self._node(_SLICE, b"", self._read_items(3))
        if kind == _SET:
            items = self._read_items(self._int32())
            in_order = sorted(items, key=lambda item: _dump(item, self._layout))
            return self._node(_SET, b"", tuple(in_order))
        raise FormatError(f"unknown type {chr(kind)!r} at byte {self.at - 1}")

    def _code(self) -> _Node:
        layout = self._layout
        numbers = self._take(_INT32.size * layout.numbers)
        before = self._read_items(layout.before)
        first_line = self._take(_INT32.size)
        return _Node(_CODE, numbers + first_line, before + self._read_items(layout.after))

    def _node(self, kind: int, data: bytes, items: tuple[_Node, ...] = ()) -> _Node:
        # All nodes live as long as the reader, so their ids are unique.
        key = kind, data, tuple(map(id, items))
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = _Node(kind, data, items)
        return node

    def _read_ref(self) -> _Node:
        index = self._int32()
        node = self._refs[index] if 0 <= index < len(self._refs) else None
        if node is None:
            raise FormatError(f"a reference to nothing, {index}, before byte {self.at}")
        return node

    def _read_items(self, count: int) -> tuple[_Node, ...]:
        return tuple([self.read() for _ in range(count)])

    def _long(self) -> bytes:
        count = self._int32()
        return _INT32.pack(count) + self._take(abs(count) * _LONG_DIGIT_BYTES)

    def _int32(self) -> int:
        number: int = _INT32.unpack_from(self._dump, self.at)[0]
        self.at += _INT32.size
        return number

    def _take(self, count: int) -> bytes:
        data = self._dump[self.at : self.at + count]
        if len(data) != count:  # or it is negative
            raise IndexError(self.at)
        self.at += count
        return data


def _dump(root: _Node, layout: Layout) -> bytes:
    """A node's marshalled form; a repeated value is written where it occurs first."""
    writer = _Writer(layout, _count_uses(root))
    writer.write(root)
    return bytes(writer.out)


class _Writer:
    """Writes one dump to ``out``; not a nested function, which refers to itself: a cycle."""

    def __init__(self, layout: Layout, uses: Counter[_Node]) -> None:
        self._layout = layout
        self._uses = uses
        self._indexes: dict[_Node, int] = {}
        self.out = bytearray()

    def write(self, node: _Node) -> None:
        out, indexes = self.out, self._indexes
        if node in indexes:
            out.append(_REF)
            out.extend(_INT32.pack(indexes[node]))
            return
        head = _head(node, self._layout)
        if self._uses[node] > 1 and len(head) > 1:
            head = bytes([head[0] | _FLAG_REF]) + head[1:]
            indexes[node] = len(indexes)
        out.extend(head)
        for number, item in enumerate(node.items):
            if node.kind == _CODE and number == self._layout.before:
                out.extend(node.data[-_INT32.size :])
            self.write(item)


def _count_uses(root: _Node) -> Counter[_Node]:
    uses: Counter[_Node] = Counter()
    pending = [root]
    while pending:
        node = pending.pop()
        uses[node] += 1
        if uses[node] == 1:
            pending.extend(node.items)
    return uses


def _head(node: _Node, layout: Layout) -> bytes:
    """Type and payload up to the first item; None, True and the like are one byte."""
    if node.kind == _TEXT:
        return _text(node.data)
    if node.kind == _BYTES:
        return bytes([_BYTES]) + _INT32.pack(len(node.data)) + node.data
    if node.kind == _CODE:
        return bytes([_CODE]) + node.data[: _INT32.size * layout.numbers]
    count = len(node.items)
    if node.kind == _TUPLE and count < 256:
        return bytes([_SMALL_TUPLE, count])
    if node.kind in {_TUPLE, _SET}:
        return bytes([node.kind]) + _INT32.pack(count)
    return bytes([node.kind]) + node.data


def _text(data: bytes) -> bytes:
    if not data.isascii():
        return b"u" + _INT32.pack(len(data)) + data
    kind = b"z" if len(data) < 256 else b"a"
    if _IDENTIFIER.issuperset(data):
        kind = kind.upper()
    size = bytes([len(data)]) if len(data) < 256 else _INT32.pack(len(data))
    return kind + size + data

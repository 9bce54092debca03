"""ELF files written byte by byte, in each class and byte order."""

import struct
from dataclasses import dataclass

BASE = 0x10000
DEBUG = b"names of variables, lines and types " * 200


@dataclass(frozen=True)
class Piece:
    name: bytes
    kind: int
    flags: int
    content: bytes
    link: bytes = b""
    info: int = 0
    entsize: int = 0


class Builder:
    """Lays pieces out in order; the pieces of the two lists are one PT_LOAD each."""

    def __init__(self, bits: int, byteorder: str) -> None:
        self.wide = bits == 64
        self.order = "<" if byteorder == "little" else ">"
        self.word = 8 if self.wide else 4
        self.machine, vendor, kind = {
            (64, "little"): (243, b"riscv", 0x70000003),
            (32, "little"): (40, b"aeabi", 0x70000003),
            (32, "big"): (20, b"gnu", 0x6FFFFFF5),
            (64, "big"): (22, b"gnu", 0x6FFFFFF5),
        }[bits, byteorder]
        self.kind = 3  # ET_DYN
        self.late_segments = False
        self.attributes = Piece(b".x.attributes", kind, 0, self._attributes(vendor))
        self.after = [
            Piece(b".comment", 1, 0x30, b"a compiler\0", entsize=1),
            self.attributes,
            Piece(b".debug_info", 1, 0, DEBUG),
            Piece(
                b".symtab",
                2,
                0,
                bytes(24 if self.wide else 16),
                b".strtab",
                1,
                entsize=24 if self.wide else 16,
            ),
            Piece(b".strtab", 3, 0, b"\0main\0"),
            Piece(b".shstrtab", 3, 0, b""),
        ]
        self.dynamic_strings = (
            b"\0libc.so.6\0libpython3.14.so.1.0\0$ORIGIN/../lib:/opt/\xe9\0me.so\0"
        )
        at = self.dynamic_strings.index
        self.tags = [(1, 1), (1, 11), (29, at(b"$ORIGIN")), (14, at(b"me.so"))]

    def _attributes(self, vendor: bytes) -> bytes:
        head = self.pack("I", 4 + len(vendor) + 1 + 7) + vendor + b"\0"
        return b"A" + head + b"\1" + self.pack("I", 7) + b"\6\1"

    def pack(self, letters: str, *values: int) -> bytes:
        """W is a word of the class."""
        return struct.pack(self.order + letters.replace("W", "Q" if self.wide else "I"), *values)

    def build(self, tail: bytes = b"") -> bytes:
        header_size = 64 if self.wide else 52
        segment_size = 56 if self.wide else 32
        phoff = header_size
        first_at = header_size + 4 * segment_size
        interpreter = b"/lib/ld.so.1\0"
        strings_at = first_at + len(interpreter)
        values = [*self.tags, (5, BASE + strings_at), (10, len(self.dynamic_strings)), (0, 0)]
        dynamic = b"".join(self.pack("WW", tag, value) for tag, value in values)
        first = [
            Piece(b".interp", 1, 2, interpreter),
            Piece(b".dynstr", 3, 2, self.dynamic_strings),
            # Between allocated sections, by index and by place; and one that is referred to.
            Piece(b".debug_inner", 1, 0, b""),
            Piece(b".dynamic", 6, 3, dynamic, b".dynstr", entsize=2 * self.word),
        ]
        second = [Piece(b".data", 1, 3, b"the data", b".symtab")]
        pieces = [*first, Piece(b".debug_hole", 1, 0, DEBUG), *second, *self.after]
        names = [b"", *(piece.name for piece in pieces)]
        table = b"\0".join(names) + b"\0"
        out = bytearray(first_at)
        offsets = []
        for piece in pieces:
            if piece.name == b".dynamic":
                out += bytes(-len(out) % 8)
            offsets.append(len(out))
            out += table if piece.name == b".shstrtab" else piece.content
        end_of = dict(zip(names[1:], [*offsets[1:], len(out)], strict=True))
        start_of = dict(zip(names[1:], offsets, strict=True))
        if self.late_segments:
            phoff = len(out)
            out += bytes(4 * segment_size)
        program = [
            self._segment(3, start_of[b".interp"], len(interpreter), 0),
            self._segment(1, 0, end_of[b".dynamic"], 0),
            self._segment(1, start_of[b".data"], 8, 0x10000),
            self._segment(2, start_of[b".dynamic"], len(dynamic), 0),
        ]
        out[phoff : phoff + 4 * segment_size] = b"".join(program)
        out += bytes(-len(out) % self.word)
        shoff = len(out)
        out += bytes(64 if self.wide else 40)
        for piece, at in zip(pieces, offsets, strict=True):
            size = len(table) if piece.name == b".shstrtab" else len(piece.content)
            address = (
                BASE + at + (0x10000 if piece.name == b".data" else 0) if piece.flags & 2 else 0
            )
            link = names.index(piece.link)
            name_at = table.index(b"\0" + piece.name + b"\0") + 1
            out += self.pack(
                "IIWWWWIIWW",
                name_at,
                piece.kind,
                piece.flags,
                address,
                at,
                size,
                link,
                piece.info,
                1,
                piece.entsize,
            )
        ident = (
            b"\x7fELF" + bytes([2 if self.wide else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        )
        sizes = (
            header_size,
            segment_size,
            4,
            64 if self.wide else 40,
            len(names),
            names.index(b".shstrtab"),
        )
        out[:header_size] = ident + self.pack(
            "HHIWWWIHHHHHH", self.kind, self.machine, 1, BASE, phoff, shoff, 0, *sizes
        )
        return bytes(out) + tail

    def _segment(self, kind: int, offset: int, size: int, shift: int) -> bytes:
        address = BASE + offset + shift
        align = 4096 if kind == 1 else 1
        if self.wide:
            return self.pack("IIQQQQQQ", kind, 6, offset, address, address, size, size, align)
        return self.pack("8I", kind, offset, address, address, size, size, 6, align)


def with_debug_section(data: bytes, debug: bytes) -> bytes:
    """A 64-bit little-endian ELF file of a compiler, and a ``.debug_info`` more than it had."""
    shoff, shentsize, shnum, names_at = struct.unpack("<Q10xHHH", data[40:64])
    headers = [
        list(struct.unpack_from("<IIQQQQIIQQ", data, shoff + number * shentsize))
        for number in range(shnum)
    ]
    names = headers[names_at]
    table = data[names[4] : names[4] + names[5]] + b".debug_info\0"
    debug_at = len(data) + -len(data) % 8
    table_at = debug_at + len(debug)
    headers.append([names[5], 1, 0, 0, debug_at, len(debug), 0, 0, 1, 0])
    names[4], names[5] = table_at, len(table)
    out = bytearray(data.ljust(debug_at, b"\0") + debug + table)
    out += bytes(-len(out) % 8)
    struct.pack_into("<Q", out, 40, len(out))
    struct.pack_into("<H", out, 60, shnum + 1)
    return bytes(out) + b"".join(struct.pack("<IIQQQQIIQQ", *header) for header in headers)


def amd64_program() -> bytes:
    """A program with debug sections, for x86-64."""
    builder = Builder(64, "little")
    builder.machine = 62
    return builder.build()

"""Which processor a program is for, by the first bytes of an ELF, Mach-O or PE file.

Sources: elf.h (e_machine), mach/machine.h (cputype), the PE format's "Machine Types".
"""

from __future__ import annotations

import struct

from pipeline.formats.forward_reader import BinaryFormatError, ForwardReader

_ELF = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 258: "loong64"}
_ELF_OF_EITHER_ORDER = {
    (21, "<"): "ppc64le", (21, ">"): "ppc64", (22, ">"): "s390x",
}  # fmt: skip
_MACHO = {0x01000007: "amd64", 0x0100000C: "arm64"}
_PE = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64"}
_PE_POINTER = 0x3C
_PE_LIMIT_BYTES = 4096
"""Of what comes before the PE header; linkers make some 300 bytes."""


def goarch_of(reader: ForwardReader) -> str:
    """The GOARCH of a program; ``""`` for other files, machines and programs for several."""
    try:
        head = reader.fetch(0, min(64, reader.size))
        if head.startswith(b"\x7fELF") and len(head) >= 20:
            order = ">" if head[5] == 2 else "<"
            (machine,) = struct.unpack_from(f"{order}H", head, 18)
            return _ELF.get(machine) or _ELF_OF_EITHER_ORDER.get((machine, order), "")
        if head.startswith(b"\xcf\xfa\xed\xfe") and len(head) >= 8:
            return _MACHO.get(struct.unpack_from("<I", head, 4)[0], "")
        if head.startswith(b"MZ") and len(head) == 64:
            return _pe_machine(reader, struct.unpack_from("<I", head, _PE_POINTER)[0])
    except BinaryFormatError:
        return ""  # what is malformed is reported where it is read for more than this
    return ""


def _pe_machine(reader: ForwardReader, start: int) -> str:
    if not 64 <= start <= _PE_LIMIT_BYTES:
        return ""
    signature, machine = struct.unpack("<4sH", reader.fetch(start, 6))
    return _PE.get(machine, "") if signature == b"PE\0\0" else ""

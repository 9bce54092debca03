"""Compiles source files to verified pycs; runs in the line's own interpreter.

A tag carries this module and ``formats.marshal`` without the others; package ``pip`` runs it.

Reads a request as JSON from standard input and writes an answer as JSON to standard output; see
``main``. Limited to what Python 3.8 has, and to few imports: they are compiled at each start.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import marshal
import os
import posixpath
import sys
from types import CodeType

from pipeline.formats.marshal import FormatError, canonical, code_layout

UNCHECKED_HASH = 1
"""Flags of a pyc's header (PEP 552): by hash, which importlib does not compare."""
_ATTRIBUTES = tuple(
    name
    for name in dir(CodeType)
    # The methods compute, and co_lnotab is deprecated: it is derived from the line table.
    if name.startswith("co_") and name != "co_lnotab" and not callable(getattr(CodeType, name))
)


def main() -> None:
    """Compile every source of the request.

    The request: ``{"out": folder, "sources": [[name, path], ...]}``. The answer: ``pycs``,
    ``[[name, path], ...]`` in the order of the sources; ``refused``, ``[[name, reason], ...]``,
    what is not Python of this version; ``unknown``, the same, where the canonical form differs
    from what was compiled; ``os_error``, ``[number, text, path]`` of an I/O error, or null.
    """
    # A third of the time: trees of many small objects, and no cycles.
    gc.disable()
    request = json.load(sys.stdin)
    found: dict[str, list[list[str]]] = {"pycs": [], "refused": [], "unknown": []}
    os_error = None
    try:
        for name, path in request["sources"]:
            kind, entry = _compile_file(name, path, request["out"])
            found[kind].append(entry)
    except OSError as fault:
        os_error = [fault.errno, fault.strerror, fault.filename]
    json.dump({**found, "os_error": os_error}, sys.stdout)


def _compile_file(name: str, path: str, out: str) -> tuple[str, list[str]]:
    """Compile one source; returns to which list of the answer an entry goes, and the entry."""
    with open(path, "rb") as file:
        source = file.read()
    try:
        pyc = compile_source(name, source)
    except FormatError as fault:
        return "unknown", [name, str(fault)]
    except (SyntaxError, ValueError, RecursionError, OverflowError, MemoryError) as fault:
        return "refused", [name, f"{type(fault).__name__}: {fault}"]
    os.stat(out)  # makedirs would make it again after a stopped run has removed it
    target = os.path.join(out, *pyc_name(name).split("/"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(pyc)
    return "pycs", [pyc_name(name), target]


def pyc_name(name: str) -> str:
    """``json/__pycache__/decoder.cpython-314.pyc`` for ``json/decoder.py``."""
    folder, base = posixpath.split(name)
    stem = base[: -len(".py")]
    return posixpath.join(folder, "__pycache__", f"{stem}.{sys.implementation.cache_tag}.pyc")


def compile_source(name: str, source: bytes) -> bytes:
    """The pyc of ``source``; raises what ``compile`` raises, and ``FormatError``.

    ``name`` becomes ``co_filename``, which importlib replaces by the real path on loading.
    """
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    spelled = canonical(marshal.dumps(code), code_layout(sys.version_info[:2]))
    check_same(code, spelled)
    flags = UNCHECKED_HASH.to_bytes(4, "little")
    magic = importlib.util.MAGIC_NUMBER
    return magic + flags + importlib.util.source_hash(source) + spelled


def check_same(code: CodeType, spelled: bytes) -> None:
    """Raises ``FormatError`` unless loading ``spelled`` gives what was compiled."""
    try:
        loaded = marshal.loads(spelled)  # noqa: S302 - written by this process
    except (ValueError, TypeError, EOFError) as fault:
        raise FormatError(f"it cannot be loaded: {fault}") from fault
    if not _is_same(loaded, code):
        raise FormatError("it is loaded as something else")


def _is_same(one: object, other: object) -> bool:
    """Whether two constants are equal in types and bits too: ``0.0`` is not ``-0.0`` or ``0``."""
    if type(one) is not type(other):
        return False
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return _is_same_code(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return _is_same(*(tuple(sorted(each, key=repr)) for each in (one, other)))
    if isinstance(one, slice) and isinstance(other, slice):
        pairs = (one.start, other.start), (one.stop, other.stop), (one.step, other.step)
        return all(_is_same(*pair) for pair in pairs)
    # A float and its parts by their digits: they tell zeros apart, and make NaN the same as NaN.
    return one == other if isinstance(one, (str, bytes, int)) else repr(one) == repr(other)


def _is_same_code(one: CodeType, other: CodeType) -> bool:
    if not all(_is_same(getattr(one, name), getattr(other, name)) for name in _ATTRIBUTES):
        return False
    # Kinds of variables and the like have no attribute, but are compared. Constants are not: NaN is
    # unlike itself, and each level of nested functions would double the time.
    return one.replace(co_consts=()) == other.replace(co_consts=())


if __name__ == "__main__":
    main()

"""``matrix.toml``: text in, a checked ``Matrix`` or every fault of the file out."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pipeline.config.model import COMMON_BYTECODE, Matrix
from pipeline.system.errors import ConfigError
from pipeline.system.suggest import did_you_mean, near_names
from pipeline.system.units import counted
from pipeline.system.validation import fault_text

GOARCHES = {
    "linux": (
        "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64",
        "ppc64le", "riscv64", "s390x",
    ),
    "darwin": ("amd64", "arm64"),
    "windows": ("386", "amd64", "arm64"),
}  # fmt: skip
"""``go tool dist list`` of Go 1.26."""
Place: TypeAlias = tuple[int | str, ...]
"""A key path such as ``("line", 1, "pbs")``; numbers count from 0."""
Locate: TypeAlias = Callable[[Place], str]


def parse_matrix(text: str, *, where: str = "matrix.toml") -> Matrix:
    """Check the file's text; raises ``ConfigError`` that lists all faults with their places."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{where}: {fault}", hint="Fix the file's TOML syntax.") from fault
    locate = functools.partial(_locate, text.splitlines())
    matrix, faults = _validate(data, locate)
    if matrix is not None:
        faults += [
            *_clashes(matrix, locate),
            *_go_faults(matrix, locate),
            *_unknown_platforms(matrix, locate),
            *_part_faults(matrix, locate),
            *_bytecode_faults(matrix, locate),
        ]
    if matrix is None or faults:
        count = counted(len(faults), "fault")
        raise ConfigError(f"{where} has {count}", hint=f"Fix {where}.", details=faults)
    return matrix


@functools.cache
def _adapter() -> TypeAdapter[Matrix]:
    return TypeAdapter(Matrix)


def _validate(data: dict[str, Any], locate: Locate) -> tuple[Matrix | None, list[str]]:
    """The matrix, as far as its tables can be read, and their faults."""
    try:
        return _adapter().validate_python(data), []
    except ValidationError as invalid:
        errors = invalid.errors()
    faults = [_describe(error, locate) for error in errors]
    for error in errors:
        if _is_unknown_key(error):
            _remove(data, error["loc"])
    try:
        # Without unknown keys, the rest can be checked further.
        return _adapter().validate_python(data), faults
    except ValidationError:
        return None, faults


def _is_unknown_key(error: ErrorDetails) -> bool:
    return error["type"] == "unexpected_keyword_argument"


def _remove(data: dict[str, Any], place: Place) -> None:
    table: Any = data
    for step in place[:-1]:
        table = table[step]
    del table[place[-1]]


def _locate(rows: Sequence[str], path: Place) -> str:
    """``line 12, platform[2].goarch`` for a key path into the file whose lines are ``rows``."""
    names = [part for part in path if isinstance(part, str)]
    index = next((at for at, part in enumerate(path) if isinstance(part, int)), 0)
    nth, head = 0, rf"\s*\[{re.escape(names[0])}\]" if len(path) > 1 else ""
    if index:
        nth, head = int(path[index]), rf"\s*\[\[{re.escape('.'.join(map(str, path[:index])))}\]\]"
    heads = [number for number, row in enumerate(rows) if re.match(head, row)]
    start = heads[nth] if nth < len(heads) else 0
    key = rf"\s*{re.escape(names[-1])}\s*="
    found = next((at for at in range(start, len(rows)) if re.match(key, rows[at])), start)
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path]
    return f"line {found + 1}, {''.join(parts).lstrip('.')}"


def _describe(error: ErrorDetails, locate: Locate) -> str:
    place: Place = error["loc"]
    if _is_unknown_key(error):
        return f"{locate(place)}: unknown key; {did_you_mean(str(place[-1]), _keys_of(place[:-1]))}"
    if error["type"] == "missing":
        return f"{locate(place[:-1]) if place[:-1] else 'top level'}: {place[-1]!r} is missing"
    return f"{locate(place)}: {fault_text(error)}"


def _keys_of(place: Place) -> list[str]:
    """The keys that the table at ``place`` can have."""
    schema = _adapter().json_schema()
    table = schema
    for step in place:
        if isinstance(step, int):
            table = table["items"]
        else:
            named = table.get("properties", {})
            # [pip] has a pattern for the names of its tables.
            table = named.get(step) or next(iter(table["patternProperties"].values()))
        if "$ref" in table:
            table = schema["$defs"][table["$ref"].rpartition("/")[2]]
    return sorted(filter(None, table["properties"]))


def _clashes(matrix: Matrix, locate: Locate) -> Iterator[str]:
    """Platforms and lines that would write one directory, one build constraint or one tag."""
    yield from _repeated("platform", "name", [p.name for p in matrix.platforms], locate)
    selectors = [f"{p.go_pair} {p.libc} {p.goamd64}".strip() for p in matrix.platforms]
    for fault in _repeated("platform", "goarch", selectors, locate):
        yield f"{fault}: Go could not choose between them"
    yield from _repeated("line", "python", [line.name for line in matrix.lines], locate)


def _part_faults(matrix: Matrix, locate: Locate) -> Iterator[str]:
    """Parts that are repeated, or ship without what they need."""
    parts = matrix.trim.parts
    yield from _repeated("trim.part", "name", [part.name for part in parts], locate)
    shipped = {part.name for part in parts if part.ship}
    for number, part in enumerate(parts):
        lacking = [name for name in part.needs if name not in shipped]
        if part.ship and lacking:
            place = locate(("trim", "part", number, "ship"))
            yield f"{place}: {part.name} does not work without {', '.join(lacking)}"


def _bytecode_faults(matrix: Matrix, locate: Locate) -> Iterator[str]:
    chosen = {matrix.payload.bytecode, *(line.bytecode for line in matrix.lines)}
    if COMMON_BYTECODE in chosen and not matrix.payload.common_bytecode:
        yield f"{locate(('payload', 'bytecode'))}: 'common' needs globs in common_bytecode"


def _repeated(table: str, key: str, values: Sequence[str], locate: Locate) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            second = [i for i, each in enumerate(values) if each == value][1]
            yield f"{locate((*table.split('.'), second, key))}: {value} appears {count} times"


def _go_faults(matrix: Matrix, locate: Locate) -> Iterator[str]:
    """Platforms that no Go builds for."""
    for number, platform in enumerate(matrix.platforms):
        if platform.goarch not in GOARCHES[platform.goos]:
            place = locate(("platform", number, "goarch"))
            known = ", ".join(GOARCHES[platform.goos])
            yield f"{place}: Go has no {platform.go_pair}; with {platform.goos} there is {known}"
        elif platform.goamd64 and platform.goarch != "amd64":
            place = locate(("platform", number, "goamd64"))
            yield f"{place}: only amd64 has levels, and goarch is {platform.goarch}"


def _unknown_platforms(matrix: Matrix, locate: Locate) -> Iterator[str]:
    known = [platform.name for platform in matrix.platforms]
    for number, line in enumerate(matrix.lines):
        for name in line.platforms or ():
            if name not in known:
                place = locate(("line", number, "platforms"))
                yield f"{place}: {near_names('platform', name, known)}"

"""``matrix.toml``: text in, a checked ``Matrix`` or every fault of the file out."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

from pipeline.config.model import (
    COMMON_BYTECODE,
    PIP_CELL,
    Line,
    Matrix,
    PayloadConfig,
    Platform,
    PythonVersion,
    TrimConfig,
    TrimPart,
    TrimRule,
    Wheel,
)
from pipeline.system.errors import ConfigError

RESERVED_NAMES = frozenset({"common", PIP_CELL})
_MODULE_PATH = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)+")


def _module_path(text: str) -> str:
    if not is_module_base(text):
        raise ValueError(
            f"{text!r} is not a Go module path such as github.com/you/goempy, without /vN"
        )
    return text


def is_module_base(text: str) -> bool:
    """Whether ``text`` is a module path without major version suffix; VERSION decides that."""
    return bool(_MODULE_PATH.fullmatch(text)) and not re.search(r"/v\d+$", text)


def _own_name(text: str) -> str:
    if text in RESERVED_NAMES:
        raise ValueError(f"{text!r} is the name of a directory that every tag has")
    return text


def _python(text: str) -> str:
    PythonVersion.parse(text)
    return text


def _minor(text: str) -> str:
    PythonVersion.parse(f"{text}.0")
    return text


Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Bytecode = Literal["none", "common", "all"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Line(_Table):
    python: Annotated[str, AfterValidator(_python)]
    pbs: Annotated[str, StringConstraints(pattern=r"^\d{8}$")]
    variant: Literal["", "freethreaded"] = ""
    platforms: Annotated[list[Name], Field(min_length=1)] | None = None
    bytecode: Bytecode | None = None


class _Platform(_Table):
    name: Annotated[Name, AfterValidator(_own_name)]
    triple: Text
    build: Text
    goos: Literal["linux", "darwin", "windows"]
    goarch: Text
    libc: Literal["", "musl"] = ""
    goamd64: Literal["", "v2", "v3", "v4"] = ""
    wheel_tags: list[Text] = Field(default_factory=list)
    since: Annotated[str, AfterValidator(_minor)] = ""
    enabled: bool = True


class _TrimRule(_Table):
    reason: Text
    globs: list[Text]


class _TrimPart(_Table):
    name: Name
    ship: bool
    globs: Annotated[list[Text], Field(min_length=1)]
    needs: list[Name] = Field(default_factory=list)


class _Trim(_Table):
    keep_unix: list[Text]
    keep_windows: list[Text]
    strip: bool = True
    unless_needed: list[Text] = Field(default_factory=list)
    drop: list[_TrimRule] = Field(default_factory=list)
    part: list[_TrimPart] = Field(default_factory=list)


class _Payload(_Table):
    codec: Literal["zstd", "none"] = "zstd"
    level: Annotated[int, Field(ge=1, le=22)] = 19
    layout: Literal["blobs", "stream"] = "blobs"
    bytecode: Bytecode = "none"
    common_bytecode: list[Text] = Field(default_factory=list)


class _Wheel(_Table):
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _MatrixFile(_Table):
    module: Annotated[str, AfterValidator(_module_path)]
    archive: Literal["full", "install_only_stripped"] = "full"
    attest: bool = False
    line: Annotated[list[_Line], Field(min_length=1)]
    platform: Annotated[list[_Platform], Field(min_length=1)]
    trim: _Trim
    payload: _Payload = Field(default_factory=_Payload)
    pip: dict[Name, _Wheel] = Field(default_factory=dict)


def parse_matrix(text: str, *, where: str = "matrix.toml") -> Matrix:
    """Check the file's text; raises ``ConfigError`` that lists all faults with their places."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{where}: {fault}", hint="Mend the file's TOML syntax.") from fault
    locate = _locator(text)
    parsed, faults = _validate(data, locate)
    if parsed is None:
        raise _config_error(where, faults)
    matrix = _to_matrix(parsed)
    faults += [
        *_clashes(matrix, locate),
        *_unknown_platforms(matrix, locate),
        *_part_faults(matrix, locate),
        *_bytecode_faults(matrix, locate),
    ]
    if faults:
        raise _config_error(where, faults)
    return matrix


def _validate(
    data: dict[str, Any], locate: Callable[[Place], str]
) -> tuple[_MatrixFile | None, list[str]]:
    """The file as its tables describe it, as far as it can be read, and its faults."""
    try:
        return _MatrixFile.model_validate(data), []
    except ValidationError as invalid:
        errors = invalid.errors()
    faults = [_describe(error, locate) for error in errors]
    for error in errors:
        if error["type"] == "extra_forbidden":
            _remove(data, error["loc"])
    try:
        # Without the keys that nobody knows, the rest can be checked further.
        return _MatrixFile.model_validate(data), faults
    except ValidationError:
        return None, faults


def _remove(data: dict[str, Any], place: Place) -> None:
    table: Any = data
    for step in place[:-1]:
        table = table[step]
    del table[place[-1]]


def _config_error(where: str, faults: Sequence[str]) -> ConfigError:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ConfigError(f"{where} has {count}", hint=f"Mend {where}.", details=faults)


Place = tuple[int | str, ...]


def _locator(text: str) -> Callable[[Place], str]:
    """A function that tells where in ``text`` a key path such as ``("line", 1, "pbs")`` stands."""
    rows = text.splitlines()

    def first(start: int, pattern: str) -> int | None:
        return next((i for i in range(start, len(rows)) if re.match(pattern, rows[i])), None)

    def place(path: Place) -> str:
        names = [str(part) for part in path if isinstance(part, str)]
        index = next((at for at, part in enumerate(path) if isinstance(part, int)), 0)
        number = 0
        if index:
            table = re.escape(".".join(map(str, path[:index])))
            heads = [i for i, row in enumerate(rows) if re.match(rf"\s*\[\[{table}\]\]", row)]
            nth = int(path[index])
            number = heads[nth] if nth < len(heads) else 0
        elif len(path) > 1:
            number = first(0, rf"\s*\[{names[0]}\]") or 0
        row = first(number, rf"\s*{re.escape(names[-1])}\s*=") if names else None
        row = number if row is None else row
        return f"line {row + 1}, {_dotted(path)}"

    return place


def _dotted(path: Place) -> str:
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".")


def _describe(error: ErrorDetails, locate: Callable[[Place], str]) -> str:
    place: Place = error["loc"]
    if error["type"] == "extra_forbidden":
        key = str(place[-1])
        near = difflib.get_close_matches(key, _keys_of(place), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(_keys_of(place))}"
        return f"{locate(place)}: unknown key{hint}"
    if error["type"] == "missing":
        return f"{locate(place[:-1]) if place[:-1] else 'top level'}: {place[-1]!r} is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"{locate(place)}: {message}"


_TABLES: dict[tuple[str, ...], type[_Table]] = {
    (): _MatrixFile,
    ("line",): _Line,
    ("platform",): _Platform,
    ("trim",): _Trim,
    ("trim", "drop"): _TrimRule,
    ("trim", "part"): _TrimPart,
    ("payload",): _Payload,
}


def _keys_of(place: Place) -> list[str]:
    parents = tuple(part for part in place[:-1] if isinstance(part, str))
    table = _Wheel if parents[:1] == ("pip",) else _TABLES[parents]
    return sorted(table.model_fields)


def _to_matrix(parsed: _MatrixFile) -> Matrix:
    return Matrix(
        module=parsed.module,
        archive=parsed.archive,
        lines=tuple(
            Line(
                PythonVersion.parse(line.python),
                line.pbs,
                line.variant,
                None if line.platforms is None else tuple(line.platforms),
                line.bytecode,
            )
            for line in parsed.line
        ),
        platforms=tuple(
            Platform(**{**table.model_dump(), "wheel_tags": tuple(table.wheel_tags)})
            for table in parsed.platform
        ),
        trim=TrimConfig(
            keep_unix=tuple(parsed.trim.keep_unix),
            keep_windows=tuple(parsed.trim.keep_windows),
            drop=tuple(TrimRule(rule.reason, tuple(rule.globs)) for rule in parsed.trim.drop),
            parts=tuple(
                TrimPart(part.name, part.ship, tuple(part.globs), tuple(part.needs))
                for part in parsed.trim.part
            ),
            unless_needed=tuple(parsed.trim.unless_needed),
            strip=parsed.trim.strip,
        ),
        payload=PayloadConfig(
            **{
                **parsed.payload.model_dump(),
                "common_bytecode": tuple(parsed.payload.common_bytecode),
            }
        ),
        attest=parsed.attest,
        wheels=tuple(
            Wheel(name, wheel.version, wheel.sha256) for name, wheel in sorted(parsed.pip.items())
        ),
    )


def _clashes(matrix: Matrix, locate: Callable[[Place], str]) -> Iterator[str]:
    """Platforms and lines that would write one directory, one build constraint or one tag."""
    yield from _repeated("platform", "name", [p.name for p in matrix.platforms], locate)
    selectors = [f"{p.go_pair} {p.libc} {p.goamd64}".strip() for p in matrix.platforms]
    for fault in _repeated("platform", "goarch", selectors, locate):
        yield f"{fault}: Go could not choose between them"
    yield from _repeated("line", "python", [line.name for line in matrix.lines], locate)


def _part_faults(matrix: Matrix, locate: Callable[[Place], str]) -> Iterator[str]:
    """Parts that stand twice, or ship without what they need."""
    parts = matrix.trim.parts
    yield from _repeated("trim.part", "name", [part.name for part in parts], locate)
    shipped = {part.name for part in parts if part.ship}
    for number, part in enumerate(parts):
        lacking = [name for name in part.needs if name not in shipped]
        if part.ship and lacking:
            yield (
                f"{locate(('trim', 'part', number, 'ship'))}: {part.name} is of no use without "
                f"{', '.join(lacking)}"
            )


def _bytecode_faults(matrix: Matrix, locate: Callable[[Place], str]) -> Iterator[str]:
    chosen = {matrix.payload.bytecode, *(line.bytecode for line in matrix.lines)}
    if COMMON_BYTECODE in chosen and not matrix.payload.common_bytecode:
        yield f"{locate(('payload', 'bytecode'))}: 'common' needs globs in common_bytecode"


def _repeated(
    table: str, key: str, values: Sequence[str], locate: Callable[[Place], str]
) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            second = [i for i, each in enumerate(values) if each == value][1]
            yield f"{locate((*table.split('.'), second, key))}: {value} stands {count} times"


def _unknown_platforms(matrix: Matrix, locate: Callable[[Place], str]) -> Iterator[str]:
    known = [platform.name for platform in matrix.platforms]
    for number, line in enumerate(matrix.lines):
        for name in line.platforms or ():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
                yield f"{locate(('line', number, 'platforms'))}: no platform {name!r}{hint}"

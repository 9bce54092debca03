"""The Python side of package worker: it calls the functions of one module.

boot.py reads this source from standard input, compiles it as "<worker>", and runs it with NONCE
as a global. Then frames go both ways: see frame.go. It runs on Python 3.8 and later.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:  # what is not needed in each process is imported late
    from types import ModuleType
    from typing import Any, BinaryIO

HEADER = struct.Struct(">IBH")  # length of the body, kind, extra

# The kinds of frames. The extra number is the length of the function's name in a call, and
# in an answer 1 if the process has outgrown its memory.
JSON, BYTES, EXCEPTION, UNKNOWN_FUNCTION, NOT_JSON, TOO_LARGE, LOG = b"JBEUNTL"

# What an EXCEPTION shows at most: frames, and characters of a text.
MAX_FRAMES, MAX_TEXT = 200, 100_000

decode = json.JSONDecoder().decode
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Takes the protocol's two descriptors away from all other code of this process.

    From here on `print`, C libraries and child processes write to standard error and find an
    empty standard input.
    """
    calls, answers = os.dup(0), os.dup(1)  # which child processes do not inherit
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    # On Windows they have the encoding of the system, in which not every text can be printed.
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8")  # type: ignore[union-attr]

    def leave() -> None:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, calls, inheritable=False)
        os.dup2(nothing, answers, inheritable=False)
        os.close(nothing)

    if hasattr(os, "register_at_fork"):
        # A forked process that lives on must not hide the end of this one. Its own files must
        # not get the numbers of the pipes, to which it may still write.
        os.register_at_fork(after_in_child=leave)
    return open(calls, "rb"), open(answers, "wb")


class Answers:
    """Writes frames, whole ones, for any thread."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.RLock()
        self._waiting: list[tuple[bytes, bytes]] = []
        self._busy = False

    def send(self, kind: int, body: bytes, extra: int = 0) -> None:
        with self._lock:
            self._waiting.append((HEADER.pack(len(body), kind, extra), body))
            if self._busy:
                return  # a signal handler or finalizer logs while this thread writes another frame
            self._busy = True
            try:
                while self._waiting:
                    for part in self._waiting.pop(0):
                        self._pipe.write(part)
                self._pipe.flush()
            finally:
                self._busy = False


class Functions:
    """The functions of a module."""

    def __init__(self, module: ModuleType, limit: int) -> None:
        self._module = module
        self._limit = limit

    def call(self, name: str, kind: int, body: bytes) -> tuple[int, bytes]:
        """Returns the kind and the body of the answer."""
        try:
            function = getattr(self._module, name, None)
            if not callable(function):
                return UNKNOWN_FUNCTION, self._nearest(name)
            kind, body = encoded(function(body if kind == BYTES else decode(body.decode())))
        except BaseException as error:
            return EXCEPTION, description(error)
        if len(body) > self._limit:
            return TOO_LARGE, str(len(body)).encode()
        return kind, body

    def _nearest(self, name: str) -> bytes:
        import difflib

        public = [n for n, v in vars(self._module).items() if callable(v) and not n.startswith("_")]
        return "".join(difflib.get_close_matches(name, public, 1)).encode()


def encoded(result: Any) -> tuple[int, bytes]:
    if isinstance(result, (bytes, bytearray, memoryview)):
        return BYTES, bytes(result)
    try:
        return JSON, encode(result).encode()
    except Exception as error:
        text = f"{type(result).__qualname__}: {error}"
        return NOT_JSON, text[:MAX_TEXT].encode(errors="replace")


def description(error: BaseException) -> bytes:
    """Returns the body of an EXCEPTION frame."""
    import traceback

    try:
        message = str(error)
    except Exception as broken:
        message = f"({type(broken).__name__} in __str__)"
    frames = [
        {"file": f.filename, "line": f.lineno, "function": f.name, "code": f.line or ""}
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename != "<worker>" and "importlib._bootstrap" not in f.filename
    ]
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return json.dumps(
        {
            "types": [full_name(t) for t in type(error).__mro__ if t is not object],
            "message": message[:MAX_TEXT],
            "frames": frames[-MAX_FRAMES:],
            "traceback": text[-MAX_TEXT:],
        }
    ).encode()


def full_name(cls: type) -> str:
    if cls.__module__ == "builtins":
        return cls.__qualname__
    return f"{cls.__module__}.{cls.__qualname__}"


if sys.platform == "win32":

    def memory_bytes() -> int:
        """Returns the resident memory."""
        import ctypes

        class Counters(ctypes.Structure):
            """PROCESS_MEMORY_COUNTERS."""

            _fields_ = [
                ("size", ctypes.c_uint32),
                ("page_faults", ctypes.c_uint32),
                ("peak_working_set", ctypes.c_size_t),
                ("working_set", ctypes.c_size_t),
                ("others", ctypes.c_size_t * 6),
            ]

        query = ctypes.WinDLL("kernel32").K32GetProcessMemoryInfo
        query.argtypes = [ctypes.c_void_p, ctypes.POINTER(Counters), ctypes.c_uint32]
        counters = Counters(size=ctypes.sizeof(Counters))
        this_process = ctypes.c_void_p(-1)
        query(this_process, ctypes.byref(counters), counters.size)
        return int(counters.working_set)

else:

    def memory_bytes() -> int:
        """Returns the resident memory; where the system does not tell it, the most it ever was."""
        try:
            with open("/proc/self/statm", "rb") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            import resource

            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if sys.platform == "darwin" else peak * 1024


def send_logs(answers: Answers, level: int, limit: int) -> None:
    """Sends what Python code logs at this level and above as LOG frames."""
    import logging
    import traceback

    usual = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                body = self._body(record)
                if len(body) <= limit:
                    answers.send(LOG, body)
                else:
                    sys.stderr.write(f"dropped a log entry of {len(body)} bytes\n")
            except Exception:
                self.handleError(record)

        def _body(self, record: logging.LogRecord) -> bytes:
            entry: dict[str, Any] = {
                "level": record.levelno,
                "logger": record.name,
                "message": record.getMessage(),
                "time": record.created,
                "attributes": {k: v for k, v in vars(record).items() if k not in usual},
                "exception": "",
            }
            if record.exc_info:
                entry["exception"] = "".join(traceback.format_exception(*record.exc_info))
            try:
                return json.dumps(entry, default=str, allow_nan=False).encode()
            except (TypeError, ValueError):
                entry["attributes"] = {str(k): repr(v) for k, v in entry["attributes"].items()}
                return json.dumps(entry).encode()

    root = logging.getLogger()
    handler = Handler()
    root.addHandler(handler)
    root.setLevel(level)
    if hasattr(os, "register_at_fork"):
        # Python then writes warnings and errors of a forked process to standard error.
        os.register_at_fork(after_in_child=lambda: root.removeHandler(handler))


def prepare(hello: dict[str, Any], answers: Answers) -> Functions:
    """Imports the module and initialises it."""
    if hello["logLevel"] is not None:
        send_logs(answers, hello["logLevel"], hello["limit"])
    module = importlib.import_module(hello["module"])
    if hello["init"]:
        getattr(module, hello["init"])(hello["value"])
    return Functions(module, hello["limit"])


def serve(functions: Functions, calls: BinaryIO, answers: Answers, max_memory: int) -> None:
    """Answers calls until the Go program closes the pipe."""
    read, unpack, size = calls.read, HEADER.unpack, HEADER.size
    while True:
        header = read(size)
        if len(header) < size:
            return
        length, kind, name_length = unpack(header)
        name, body = read(name_length), read(length)
        if len(name) + len(body) < name_length + length:
            return  # the Go program has ended in the middle of a call
        kind, body = functions.call(name.decode(errors="replace"), kind, body)
        outgrown = max_memory and memory_bytes() > max_memory
        answers.send(kind, body, 1 if outgrown else 0)


def main(nonce: bytes) -> None:
    calls, pipe = take_pipes()
    pipe.write(nonce)
    answers = Answers(pipe)
    sys.argv = [""]
    if sys.path and not sys.path[0]:
        del sys.path[0]  # the directory that the Go program is in
    length, _, _ = HEADER.unpack(calls.read(HEADER.size))
    hello = decode(calls.read(length).decode())
    try:
        functions = prepare(hello, answers)
    except BaseException as error:
        answers.send(EXCEPTION, description(error))
        return
    answers.send(JSON, b"null")
    serve(functions, calls, answers, hello["maxMemory"])


main(globals()["NONCE"].encode())

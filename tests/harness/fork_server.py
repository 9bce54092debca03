"""``goempy`` in processes of its own that need not import it.

A process that has imported everything forks for each of them. So each is half a second faster,
and has nothing of the others.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pipeline
from pipeline import cli
from tests.harness import fork_client
from tests.harness.project import REPOSITORY

_PROGRAMS = {"pipeline.__main__", "pipeline.build.bytecode.worker"}
"""Modules that are not imported."""


@contextlib.contextmanager
def fork_server() -> Iterator[str]:
    """Its address, for ``fork_client``."""
    # Not pytest's folder: the kernel takes 107 bytes.
    with tempfile.TemporaryDirectory(prefix="goempy-") as folder:
        address = str(Path(folder, "server"))
        command = [sys.executable, "-m", __name__, address]
        with subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as server:
            assert server.stdout is not None
            server.stdout.readline()
            yield address


def write_command(folder: Path, address: str) -> None:
    """A program ``goempy`` in ``folder`` that has the server at ``address`` run it."""
    folder.mkdir()
    program = folder / "goempy"
    client = shlex.join([sys.executable, "-IS", fork_client.__file__, address])
    program.write_text(f'#!/bin/sh\nexec {client} "$@"\n')
    program.chmod(0o755)


def _serve(address: str) -> None:
    """Until standard input ends."""
    modules = pkgutil.walk_packages(pipeline.__path__, f"{pipeline.__name__}.")
    # httpx imports it for its first connection.
    for name in ("httpcore", *(each.name for each in modules if each.name not in _PROGRAMS)):
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, b"\n")
        while select.select([listener, sys.stdin], [], [])[0] == [listener]:
            asking = listener.accept()[0]
            child = os.fork()
            if child == 0:
                listener.close()
                _run(asking)
            with asking:
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                with contextlib.suppress(ConnectionError):  # the client was killed
                    asking.sendall(str(code).encode())


def _run(asking: socket.socket) -> None:
    with asking:
        _data, files, _flags, _address = socket.recv_fds(asking, 1, 3)
        with asking.makefile("rb") as text:
            argv, env, cwd = json.load(text)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    # What the server had there may have been another kind of file.
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv[1:] = argv
    try:
        cli.entry()
    except SystemExit as end:
        sys.stdout.flush()
        # To take down all that was imported takes longer than many a command.
        os._exit(int(end.code or 0))


if __name__ == "__main__":
    _serve(sys.argv[1])

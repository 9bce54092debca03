"""What the tests call."""

import atexit
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

logger = logging.getLogger("test.logger")
started_with = None
calls = 0


def start(value):
    global started_with
    if value == "refuse":
        raise RuntimeError("refused")
    started_with = value


def init_value(_):
    return started_with


def at_exit(text):
    atexit.register(lambda: (time.sleep(0.1), print(text)))


def echo(value):
    return value


def upper(data):
    return bytearray(data.upper())


def pid(_):
    return os.getpid()


def count(_):
    global calls
    calls += 1
    return calls


def fail(value):
    raise KeyError(value) from ValueError("cause")


def leave(status):
    print("last words")
    os._exit(status)


def exits(status):
    sys.exit(status)


def sleep(seconds):
    print("sleeping")
    time.sleep(seconds)
    return seconds


def not_json(_):
    return {1, 2}


def not_finite(_):
    return float("nan")


def large(n):
    return "x" * n


def noise(text):
    print(text)
    os.write(1, b"from descriptor 1\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    return sys.stdin.read()


def fork(_):
    """Leaves a forked process behind."""
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    return child


def child(_):
    """Leaves a process behind that holds standard error."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid


def grow(size):
    global memory
    memory = b"x" * size
    return os.getpid()


def log(text):
    try:
        raise ValueError("why")
    except ValueError:
        logger.warning(
            "%s!",
            text,
            extra={"n": 2**63 - 1, "x": 0.5, "large": 10**400, "odd": {1}},
            exc_info=True,
        )
    logging.getLogger().debug("hidden")


def identify(value):
    return {"Value": value, "PID": os.getpid()}


def __getattr__(name):
    if name == "lazy":
        raise ImportError("no module for it")
    raise AttributeError(name)


def released(_):
    view = memoryview(b"x")
    view.release()
    return view


def log_in_fork(folder):
    """Returns what is in the files of a forked process that writes nothing, but logs."""
    paths = [Path(folder, str(n)) for n in range(5)]
    child = os.fork()
    if child == 0:
        for path in paths:
            os.open(path, os.O_CREAT | os.O_WRONLY)
        logger.warning("in the child")
        os._exit(0)
    os.waitpid(child, 0)
    return "".join(path.read_text() for path in paths)


def log_while_logging(text):
    """Logs in the middle of another entry, as a signal handler or finalizer may."""

    def interrupt(frame, event, arg):
        if event == "c_call" and arg.__name__ == "write" and "worker" in frame.f_code.co_filename:
            sys.setprofile(None)
            logger.warning("inner")

    sys.setprofile(interrupt)
    logger.warning("outer")
    sys.setprofile(None)
    return text

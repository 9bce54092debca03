"""A wheel of a few files."""

from __future__ import annotations

import io
import zipfile

FILES = {
    "tool/__init__.py": b"NAME = 'tool'\n",
    "tool/__pycache__/x.pyc": b"\0",
    "tool-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n",
    "tool-1.0.dist-info/WHEEL": (
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
    "tool-1.0.dist-info/RECORD": b"",
    "tool-1.0.dist-info/licenses/LICENSE": b"A licence.\n",
}


def wheel_bytes(files: dict[str, bytes] = FILES) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()

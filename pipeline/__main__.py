"""``python -m pipeline`` is the ``goempy`` command."""

from pipeline.cli import entry

if __name__ == "__main__":
    entry()

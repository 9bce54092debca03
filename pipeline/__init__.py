"""goempy's release pipeline: from ``matrix.toml`` to Go module tags that carry CPython.

Its packages import only from those below them: ``cli``, ``verify``, ``publish``, ``release``,
``build``, ``sources``, ``formats``, ``config``, ``system``; a lint contract enforces the order, and
docs/architecture.md says what each does. The Go module itself is in ``gomodule/``.
"""

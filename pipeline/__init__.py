"""goempy's release pipeline: from ``matrix.toml`` to Go module tags that carry CPython.

Nine rooms, each of which imports only from those below it; a lint contract enforces the order:

- ``cli``: one file per command; the only place that reads the environment and exits
- ``verify``: use or rebuild a tag or a module, and judge it
- ``publish``: what people see of a tag: notes, SBOM, sizes, GitHub releases, update pull requests
- ``release``: payloads become a module tree, commits and tags
- ``build``: one asset becomes one payload
- ``sources``: where assets come from, verified
- ``formats``: payload manifests, ELF, Mach-O, module zips, marshal; bytes in, values out
- ``config``: matrix, lock, VERSION; lines, platforms, cells
- ``system``: processes, files, git, GitHub, terminal, errors

The Go module itself is in ``gomodule/``.
"""

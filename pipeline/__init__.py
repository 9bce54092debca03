"""goempy's release pipeline: from ``matrix.toml`` to Go module tags that carry CPython.

A module imports only from layers below its own; a lint rule holds it to that. From the top:

- ``cli``: commands
- ``cell``, ``wheels`` build payloads; ``finalize`` tags them; ``verify`` and ``differences`` hold
  a tag against its rebuild; ``update`` moves pins; ``sbom`` and ``picture`` tell of a tag
- ``sizes``: where bytes go
- ``upstream`` (archives), ``bytecode``, ``moduletree``, ``git``, ``github``, ``attestation``
- ``notices``: licence texts of payloads
- ``payload``: the payload format
- ``host``, ``report``: the machine, the terminal
- ``components``, ``matrix``, ``plan``, ``lock``, ``trim``, ``tags``, ``gozip``, ``elf``, ``macho``:
  pure, bytes in, values out
- ``model``: the words of the design; ``errors``

The Go module itself stands in ``gomodule/`` beside this file.
"""

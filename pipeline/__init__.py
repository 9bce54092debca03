"""goempy's release pipeline: from ``matrix.toml`` to Go module tags that carry CPython.

A module imports only from layers below its own; a lint rule holds it to that. From the top:

- ``cli``: commands
- ``standing``: whether tags that exist hold what would be released now
- ``cell``, ``wheels`` build payloads; ``finalize`` tags them; ``verify`` and ``differences`` hold
  a tag against its rebuild; ``update`` moves pins, ``propose`` asks to merge that; ``sbom``,
  ``picture`` and ``notes`` tell of a tag, ``publish`` makes its release at GitHub
- ``sizes``: where bytes go; ``stock`` and ``reuse``: payloads of a directory, and of tags
- ``workshop``: scratch repositories beside the real one
- ``upstream`` (archives), ``bytecode``, ``moduletree``, ``git``, ``github``, ``attestation``
- ``notices``: licence texts of payloads
- ``payload``: the payload format
- ``host``, ``console``: the machine, the terminal
- ``components``, ``matrix``, ``plan``, ``lock``, ``trim``, ``tags``, ``gozip``, ``elf``, ``macho``:
  pure, bytes in, values out
- ``model``: the words of the design; ``errors``

The Go module itself stands in ``gomodule/`` beside this file.
"""

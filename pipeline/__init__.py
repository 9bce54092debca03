"""goempy's release pipeline: from ``matrix.toml`` to Go module tags that carry CPython.

The layers, from the top: ``cli`` · ``cell``, ``wheels``, ``finalize`` · ``upstream``,
``moduletree``, ``git`` · ``payload`` · ``host``, ``report`` · ``matrix``, ``plan``, ``lock``,
``trim``, ``tags``, ``gozip``, ``elf`` · ``model`` · ``errors``. A module imports only from layers
below its own; a lint rule holds it to that. The Go module itself stands in ``gomodule/`` beside
this file.
"""

"""Where interpreters come from.

``source`` knows the places (PBS releases on GitHub, a mirror, a folder) and pins; ``download``
brings an asset into the cache and proves it; ``archive`` reads an asset's members without
trusting them; ``local`` makes an asset from an interpreter of this machine.
"""

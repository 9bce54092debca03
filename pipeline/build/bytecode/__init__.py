"""Bytecode that is the same on every build machine.

``select`` chooses modules; ``compile`` runs ``worker`` in the line's own interpreter, which writes
marshalled code in canonical form (``formats.marshal``). The results are unchecked-hash pycs
(PEP 552): importlib loads them without comparing the source's time or content.
"""

"""Bytecode that is the same on every build machine.

``compiler`` asks the line's own interpreter to compile; ``inside`` is what runs there;
``canonical`` gives marshalled code its one spelling. The results are unchecked-hash pycs (PEP
552): importlib takes them without a look at the source's time or content.
"""

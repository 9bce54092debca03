"""ELF files: what they need at run time (``scan``), and a copy without debug data (``strip``)."""

"""What is to be built: ``matrix.toml``, ``matrix.lock``, ``VERSION``; lines, platforms, cells."""

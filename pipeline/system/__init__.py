"""Processes, files, git, GitHub, the terminal, and errors."""

"""Servers and programs that the pipeline talks to, played."""

"""Payloads become module trees, commits and tags."""

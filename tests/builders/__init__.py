"""Makers of files and archives of real formats."""

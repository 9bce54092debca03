"""How long tests wait for what they started."""

from __future__ import annotations

HANGS_AFTER_S = 600.0
"""A bound against hanging, and no promise: machines are shared, and may be slow."""

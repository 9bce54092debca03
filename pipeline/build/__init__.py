"""One asset becomes one payload: a trimmed, packed interpreter."""

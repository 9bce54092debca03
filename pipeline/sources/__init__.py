"""Where assets come from, and the proof of what they are."""

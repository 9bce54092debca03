"""GitHub's API, played by a loopback server."""

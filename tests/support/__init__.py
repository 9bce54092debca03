"""Small real parts for tests: archives, a loopback server, repositories, a Go tool."""

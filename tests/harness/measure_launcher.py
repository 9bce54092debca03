"""Runs one program and prints what it took: a separate process, because it is small.

A child's peak memory counts what its parent had at the moment of the fork.
"""

import os
import sys
import time

silent = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (0, 1)]
begin = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(pid, 0)
wall_s = time.perf_counter() - begin
cpu_s = usage.ru_utime + usage.ru_stime
print(os.waitstatus_to_exitcode(status), wall_s, cpu_s, usage.ru_maxrss * 1024)  # noqa: T201

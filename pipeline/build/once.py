"""Results that several threads need and one of them makes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Once(Generic[_Key, _Value]):
    """Calls ``make`` once per key. Other callers wait; where it fails, the next one retries."""

    def __init__(self, make: Callable[[_Key], _Value]) -> None:
        self._make = make
        self._made: dict[_Key, _Value] = {}
        self._locks: defaultdict[_Key, threading.Lock] = defaultdict(threading.Lock)

    def __call__(self, key: _Key) -> _Value:
        """The result for ``key``."""
        with self._locks[key]:
            if key not in self._made:
                self._made[key] = self._make(key)
            return self._made[key]

"""The part of GitHub Actions' expression language that the workflows use.

Source: GitHub Docs, "Evaluate expressions in workflows and actions". An unknown name is an error
here, where GitHub would take it for null: a misspelt output must not pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+)|([A-Za-z_][\w-]*)|(&&|\|\||==|!=|[!().,*\[\]]))")
_WHOLE = re.compile(r"\s*\$\{\{(.*?)\}\}\s*", re.DOTALL)
_INSIDE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Scope:
    """Contexts such as ``needs`` and ``matrix``, and the results that status functions ask for."""

    contexts: Mapping[str, Any]
    results: tuple[str, ...] = ()
    cancelled: bool = False


class UnknownNameError(Exception):
    """The expression names what is not there."""


def evaluate(text: str, scope: Scope) -> Any:  # noqa: ANN401 - as the language has it
    """The value of an expression without ``${{ }}``."""
    tokens = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match, f"cannot read {text[at:]!r}"
        tokens.append(match[0].strip())
        at = match.end()
    parser = _Parser(tokens, scope)
    value = parser.either()
    assert not parser.tokens, f"what follows is not understood: {parser.tokens}"
    return value


def expand(text: str, scope: Scope) -> Any:  # noqa: ANN401
    """A YAML value with its ``${{ }}``: the value itself where that is all, else a text."""
    whole = _WHOLE.fullmatch(text)
    if whole and "${{" not in whole[1]:
        return evaluate(whole[1], scope)
    return _INSIDE.sub(lambda match: as_text(evaluate(match[1], scope)), text)


def as_text(value: object) -> str:
    """A value as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


class _Parser:
    def __init__(self, tokens: list[str], scope: Scope) -> None:
        self.tokens = tokens
        self.scope = scope

    def _next(self, *wanted: str) -> str:
        if self.tokens and self.tokens[0] in wanted:
            return self.tokens.pop(0)
        return ""

    def either(self) -> Any:  # noqa: ANN401
        value = self._both()
        while self._next("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:  # noqa: ANN401
        value = self._compared()
        while self._next("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:  # noqa: ANN401
        value = self._unary()
        if sign := self._next("==", "!="):
            other = self._unary()
            return (as_text(value).lower() == as_text(other).lower()) == (sign == "==")
        return value

    def _unary(self) -> Any:  # noqa: ANN401
        if self._next("!"):
            return not self._unary()
        if self._next("("):
            value = self.either()
            assert self._next(")")
            return value
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.isdigit():
            return int(token)
        if token in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[token]
        return self._called(token) if self._next("(") else self._member(token)

    def _called(self, name: str) -> Any:  # noqa: ANN401
        arguments = []
        while not self._next(")"):
            arguments.append(self.either())
            self._next(",")
        return self._functions()[name](*arguments)

    def _functions(self) -> Mapping[str, Callable[..., Any]]:
        results = self.scope.results
        return {
            "fromJSON": json.loads,
            "join": lambda values, by=",": by.join(map(as_text, values)),
            "success": lambda: all(result == "success" for result in results),
            "failure": lambda: "failure" in results,
            "cancelled": lambda: self.scope.cancelled,
            "always": lambda: True,
        }

    def _member(self, name: str) -> Any:  # noqa: ANN401
        path = name
        value: Any = self._get(self.scope.contexts, name, path)
        while self._next("."):
            key = self.tokens.pop(0)
            path = f"{path}.{key}"
            if key == "*":
                value = list(value.values() if isinstance(value, Mapping) else value)
            elif isinstance(value, list):
                value = [self._get(each, key, path) for each in value]
            else:
                value = self._get(value, key, path)
        return value

    @staticmethod
    def _get(value: Any, key: str, path: str) -> Any:  # noqa: ANN401
        if not isinstance(value, Mapping) or key not in value:
            raise UnknownNameError(path)
        return value[key]

"""``tags.json``: what a tag contains, as the schema in docs describes it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.model import FREE_THREADED
from pipeline.formats.payload.model import Component, Manifest, Origin, PayloadMetadata
from pipeline.formats.payload.reader import Payload
from pipeline.publish.sizes import PayloadSizes, TagSizes
from pipeline.publish.tag_facts import TagFacts, dump_tags, facts_of, parse_tags
from pipeline.release.tag_tree import TagContents
from pipeline.system.errors import UsageError
from tests.harness.schema import schema_fault

TAG = "v0.2.0-py3.13.17t"
MODULE = "github.com/goempy/goempy"


def payload(*components: Component, origin: Origin | None = None) -> Payload:
    metadata = PayloadMetadata(origin=origin, components=components)
    return Payload(Path(), Manifest("hash", (), metadata), ())


@pytest.fixture(scope="module")
def contents() -> TagContents:
    origin = Origin("3.13.17", "20261021", "x86_64-unknown-linux-gnu", FREE_THREADED, "ab" * 32)
    cpython = Component("cpython", "3.13.17", ("Python-2.0",))
    one = payload(cpython, Component("zlib", "1.3", ("Zlib",)), origin=origin)
    bdb = Component("bdb", "", ("Sleepycat",))
    two = payload(cpython, Component("zlib", "1.3.1", ("Zlib",)), bdb, origin=origin)
    pip = payload(Component("pip", "26.1", ("MIT",)))
    return TagContents(TAG, MODULE, datetime(2026, 10, 21, tzinfo=UTC), {"a": one, "b": two}, pip)


def measured(contents: TagContents) -> TagFacts:
    parts = tuple(PayloadSizes(f"{TAG}/{name}", None, (), 100, 900, 0) for name in "ab")
    return facts_of(contents, TagSizes(TAG, parts, None, 50, 2050))


def test_facts_are_those_of_manifests(contents: TagContents) -> None:
    facts = measured(contents)
    assert (facts.tag, facts.module, facts.line.name) == (TAG, MODULE, "3.13.17t")
    assert facts.end_of_life == date(2029, 10, 31)
    assert (facts.embedded, facts.module_bytes) == ({"a": 1000, "b": 1000}, 2050)
    assert facts.software == {"bdb": "", "pip": "26.1", "zlib": "1.3, 1.3.1"}
    assert [(each.purl, each.platforms) for each in facts.components] == [
        ("pkg:generic/cpython@3.13.17", ("a", "b")),
        ("pkg:generic/bdb", ("b",)),
        ("pkg:generic/zlib@1.3", ("a",)),
        ("pkg:generic/zlib@1.3.1", ("b",)),
        ("pkg:pypi/pip@26.1", ()),
    ]
    assert [each.name for each in facts.components if each.is_wheel] == ["pip"]


def test_a_file_can_be_read_again(contents: TagContents) -> None:
    facts = measured(contents)
    assert parse_tags(dump_tags([facts]), where="it") == (facts,)
    assert schema_fault(json.loads(dump_tags([facts])), "tags.schema.json") == ""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tag: tag.pop("pbs"),
        lambda tag: tag.update(variant="fast"),
        lambda tag: tag.update(moduleBytes=0),
        lambda tag: tag["platforms"][0].pop("embeddedBytes"),
        lambda tag: tag["components"][0].pop("purl"),
    ],
)
def test_the_schema_refuses_what_is_not_such_a_file(
    contents: TagContents, spoil: Callable[[dict[str, Any]], object]
) -> None:
    made = copy.deepcopy(json.loads(dump_tags([measured(contents)])))
    spoil(made["tags"][0])
    assert schema_fault(made, "tags.schema.json")


@pytest.mark.parametrize("text", [b"<html>", b"{}", b'{"format": 2, "tags": []}'])
def test_another_file_is_not_taken_for_one(text: bytes) -> None:
    with pytest.raises(UsageError, match=r"that\.json is not a tags\.json"):
        parse_tags(text, where="that.json")

"""What fits at a place of a query, and the document editors complete from."""

from __future__ import annotations

import pytest

from sentinel.model.tables import KqlType, tables
from sentinel.query.bind_forms import forms
from sentinel.query.bind_plugins import _PLUGINS
from sentinel.query.bind_specials import specials
from sentinel.query.bind_windows import _WINDOWS
from sentinel.query.catalogue import SYNONYMS, scalars
from sentinel.query.completion import completions, schema_document
from sentinel.query.naming import AGGREGATE_NAMES
from sentinel.query.signatures import aggregate_signatures, plugin_signatures, scalar_signatures


def words(text: str) -> tuple[str, ...]:
    return completions(text, tables()).words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("AmlComputeJ", "AmlComputeJobEvent"),
        ("amlcomputej", "AmlComputeJobEvent"),
        ("let a = 1; AmlComputeJ", "AmlComputeJobEvent"),
        ("let T = AmlComputeJobEvent; T | join kind=inner (AmlComputeJ", "AmlComputeJobEvent"),
        ("AmlComputeJobEvent | summ", "summarize"),
        ("AmlComputeJobEvent | project-aw", "project-away"),
        ("AmlComputeJobEvent | where JobN", "JobName"),
        ("AmlComputeJobEvent\n| where NodeId == 'a|b' and JobN", "JobName"),
        ("AmlComputeJobEvent | summarize n = dco", "dcount"),
        ("AmlComputeJobEvent | summarize Jobs = count() by ClusterName | sort by Jo", "Jobs"),
        ("AmlComputeJobEvent | evaluate bag_", "bag_unpack"),
        ("AmlComputeJobEvent | join kind=leftou", "leftouter"),
        ("AmlComputeJobEvent | where JobName !cont", "!contains"),
        ("let Since = ago(1h); AmlComputeJobEvent | where TimeGenerated > Sin", "Since"),
    ],
)
def test_the_word_begun_is_completed(text: str, word: str) -> None:
    assert word in words(text)


def test_only_the_columns_there_are_at_a_place_are_offered() -> None:
    offered = words("AmlComputeJobEvent | project Renamed = JobName, ClusterName | where ")

    assert offered[:2] == ("Renamed", "ClusterName")
    assert "JobName" not in offered


def test_a_parameter_is_offered() -> None:
    found = completions(
        "AmlComputeJobEvent | where TimeGenerated > sin", tables(), {"since": KqlType.DATETIME}
    )

    assert "since" in found.words


@pytest.mark.parametrize("text", ["print 'AmlComp", 'print "a | summ', "AmlComputeJobEvent // summ"])
def test_nothing_is_offered_inside_of_a_text_or_a_comment(text: str) -> None:
    assert words(text) == ()


def test_a_word_begins_where_it_was_begun() -> None:
    assert completions("print a = strle", tables()).start == 10


def test_every_function_tells_how_it_is_called() -> None:
    special = {"toscalar", "pack_all", "materialize", "view", *specials(), *forms(), *_WINDOWS}

    scalar = {name for name in {*scalars(), *SYNONYMS, *special} if not name.startswith("op_")}
    assert scalar - scalar_signatures().keys() - AGGREGATE_NAMES == set()
    assert aggregate_signatures().keys() == AGGREGATE_NAMES
    assert plugin_signatures().keys() == _PLUGINS.keys()


def test_the_document_names_columns_with_their_types() -> None:
    document = schema_document(tables())

    jobs = next(table for table in document["tables"] if table["name"] == "AmlComputeJobEvent")
    assert {"name": "TimeGenerated", "type": "datetime"} in jobs["columns"]
    assert jobs["description"]
    assert {"name": "strlen", "signatures": ["strlen(string) -> long"]} in document["functions"]

"""Microsoft's parser agrees with ours (the part: npm's package `@kusto/language-service-next`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sentinel.errors import QueryError, QuerySemanticError, QuerySyntaxError, QueryUnsupported
from sentinel.query.engine import Engine
from sentinel.query.kusto_names import KUSTO_FUNCTIONS, KUSTO_PLUGINS
from sentinel.query.reserved import RESERVED_IN_USE, RESERVED_NAMES
from tests.parts.kusto_service import MISSING, Opinions, ask
from tests.query.corpus import PARAMETERS, own_texts, public_texts
from tests.query.judging import EmptyStore

pytestmark = pytest.mark.skipif(
    MISSING, reason="node with @kusto/language-service-next is not installed: make build/node/.installed"
)
FINDS = (
    'find in (AmlComputeJobEvent, AmlComputeClusterEvent) where JobName == "train-17" or ClusterName == "gpu"',
    'find in (AmlOnlineEndpointTrafficLog, AmlOnlineEndpointConsoleLog, AmlComputeJobEvent) where "oom"',
    'find withsource=T in (AmlOnlineEndpoint*) where Message has "oom" and ResponseCode == 503',
    "find in (AmlOnlineEndpointTrafficLog, AmlOnlineEndpointEventLog) where Message has 'x' project pack(*)",
    "find in (AmlComputeJobEvent, AmlComputeClusterEvent) where JobName has 'x' project JobName, TimeGenerated:string",
)
TEXTS = list(dict.fromkeys([*own_texts(), *public_texts(), *FINDS]))
Ours = dict[str, list[tuple[str, str]] | QueryError]

NAMES = ["count", "id", "level", "name", "range", "state", "status", "table", "type"]
NO_LITERAL = "this is not a"
"""The service does not look into literals: `datetime(yesterday)` passes there and fails when it is run."""


@pytest.fixture(scope="module")
def theirs() -> Opinions:
    return ask(TEXTS)


@pytest.fixture(scope="module")
def ours() -> Iterator[Ours]:
    engine = Engine(EmptyStore())
    yield {text: _checked(engine, text) for text in TEXTS}
    engine.close()


def _checked(engine: Engine, text: str) -> list[tuple[str, str]] | QueryError:
    try:
        return [(column.name, column.type.value) for column in engine.check(text, PARAMETERS)]
    except QueryError as error:
        return error


def test_every_text_we_accept_is_kql(theirs: Opinions, ours: Ours) -> None:
    accepted = [text for text, columns in ours.items() if isinstance(columns, list)]

    assert {text: theirs.by_text[text].syntax for text in accepted if theirs.by_text[text].syntax} == {}


def test_find_shows_the_columns_kusto_does(theirs: Opinions, ours: Ours) -> None:
    assert {text: ours[text] for text in FINDS} == {
        text: list(theirs.by_text[text].columns or ()) for text in FINDS
    }


def test_every_valid_text_we_refuse_is_refused_by_name(theirs: Opinions, ours: Ours) -> None:
    refused = {text: found for text, found in ours.items() if isinstance(found, QueryError)}
    valid = {text for text, said in theirs.by_text.items() if not said.syntax and not said.semantic}

    unnamed = {text: str(error) for text, error in refused.items() if text in valid and not _names(error)}

    assert unnamed == {}


def _names(error: QueryError) -> bool:
    """Whether a refusal says which construct it is about."""
    match error:
        case QueryUnsupported():
            return error.span is not None
        case QuerySemanticError():
            return bool(re.search(r"'[^']+'|\w+\(", error.message)) and error.span is not None
        case _:
            return error.message.startswith(NO_LITERAL)


def test_what_kusto_cannot_parse_we_cannot_either(theirs: Opinions, ours: Ours) -> None:
    broken = [text for text, said in theirs.by_text.items() if said.syntax]

    assert [text for text in broken if not isinstance(ours[text], QueryError)] == []


def test_a_text_we_cannot_parse_is_none_of_kusto(theirs: Opinions, ours: Ours) -> None:
    unparsed = {text: str(found) for text, found in ours.items() if isinstance(found, QuerySyntaxError)}
    valid = {text for text, said in theirs.by_text.items() if not said.syntax and not said.semantic}

    assert {text: why for text, why in unparsed.items() if text in valid and NO_LITERAL not in why} == {}


def test_the_functions_and_plugins_of_kusto_are_known_by_name(theirs: Opinions) -> None:
    assert (theirs.functions, theirs.plugins) == (KUSTO_FUNCTIONS, KUSTO_PLUGINS)


def test_words_that_need_brackets_as_names_are_those_of_kusto() -> None:
    new = {word: f"print {word} = 1" for word in RESERVED_NAMES}
    used = {word: f"datatable(['{word}']: long)[] | where {word} == 1" for word in RESERVED_IN_USE}
    free = {word: f"print {word} = 1 | where {word} == 1" for word in NAMES}

    said = ask([*new.values(), *used.values(), *free.values()]).by_text

    assert [text for text in (*new.values(), *used.values()) if not said[text].syntax] == []
    assert [text for text in free.values() if said[text].syntax] == []

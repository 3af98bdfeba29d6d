from __future__ import annotations

from pathlib import Path

import pytest

from sentinel.detect import load_rules
from sentinel.detect.definitions import find_definition_files, read_definitions
from sentinel.errors import RuleErrors
from sentinel.query.engine import Engine
from tests.detect.rule_texts import CAUSE, small_pack, write_pack

TEXT = """\
// Requests; of one deployment.
let Traffic = AmlOnlineEndpointTrafficLog
    | where EndpointName == endpoint;
let limit_ms = toscalar(SentinelDeploymentState_CL | summarize max(RequestTimeoutMs)); // the largest
let Slow = Traffic | where TotalDurationMs > limit_ms;
"""


def test_a_query_gets_what_it_names_and_what_that_names_in_the_order_of_the_file() -> None:
    shared, problems = read_definitions([("d.kql", TEXT)])

    composed = shared.compose("Slow | count")

    assert problems == ()
    assert [definition.name for _, definition in composed.parts] == ["Traffic", "limit_ms", "Slow"]
    assert composed.text.endswith(";\nSlow | count")


def test_a_query_that_names_none_stays_as_it_is() -> None:
    shared, _ = read_definitions([("d.kql", TEXT)])

    assert shared.compose("KubeEvents | count // not Traffic").text == "KubeEvents | count // not Traffic"


def test_an_offset_is_found_in_its_definition() -> None:
    shared, _ = read_definitions([("d.kql", TEXT)])
    composed = shared.compose("Traffic")

    found = composed.definition_at(composed.text.index("endpoint"))

    assert found is not None
    definition, within = found
    assert (definition.name, definition.line) == ("Traffic", 2)
    assert definition.text[within:].startswith("endpoint")
    assert composed.definition_at(composed.begins) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("let A = print 1\n", "ends with a semicolon"),
        ("print 1\n", "no definition"),
        ("let A = print 1;\nlet A = print 2;\n", "the name is taken by d.kql:1"),
    ],
)
def test_what_is_no_definition_is_a_problem(text: str, says: str) -> None:
    _, problems = read_definitions([("d.kql", text)])

    assert [says in problem.message for problem in problems] == [True]


def test_an_error_inside_a_definition_is_told_once_at_its_place(tmp_path: Path, engine: Engine) -> None:
    broken = TEXT.replace("== endpoint", "== endpont")
    cause = CAUSE.replace('AmlOnlineEndpointEventLog | where Name == "BackOff"', "Traffic")
    folder = small_pack(tmp_path, cause=cause.replace("facts: print", "facts: Traffic | summarize"))
    write_pack(folder, {"definitions/deployment.kql": broken})

    with pytest.raises(RuleErrors) as caught:
        load_rules([folder], engine=engine)

    (problem,) = caught.value.problems
    assert (Path(problem.file).name, problem.line, problem.key) == ("deployment.kql", 3, "Traffic")
    assert problem.column == TEXT.splitlines()[2].index("endpoint") + 1


def test_a_pack_that_is_named_by_two_paths_has_each_definition_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_pack(tmp_path)
    write_pack(folder, {"definitions/deployment.kql": TEXT})
    monkeypatch.chdir(tmp_path)

    assert len(find_definition_files([tmp_path, Path()])) == 1

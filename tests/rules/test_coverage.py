"""`sentinel rules coverage`: the modes that are covered, those that cannot be seen, and those that were forgotten."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from sentinel.cli.main import sentinel

CAUSE = """\
title: The service is down
explains: [requests-refused]
covers: [MODES]
requires:
  - says: something was refused
    query: AmlOnlineEndpointTrafficLog | where ResponseCode == 503 | summarize Refused = count()
because: It is down.
remedies:
  - escalate: Start it.
"""
REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "troubleshooting.json"


def compared(folder: Path, covers: str, not_observable: str, modes: list[str]) -> Result:
    pack = folder / "pack"
    (pack / "causes" / "network").mkdir(parents=True)
    (pack / "causes" / "network" / "down.yaml").write_text(CAUSE.replace("MODES", covers), "utf-8")
    (pack / "not-observable.yaml").write_text(not_observable, "utf-8")
    listed = folder / "modes.json"
    listed.write_text(json.dumps({"failures": [{"id": m, "title": f"title of {m}"} for m in modes]}), "utf-8")
    symptom = Path(__file__).parents[2] / "rules" / "symptoms" / "requests-refused.yaml"
    (pack / "symptoms").mkdir()
    (pack / "symptoms" / symptom.name).write_text(symptom.read_text("utf-8"), "utf-8")
    arguments = ["rules", "coverage", str(pack), "--modes", str(listed)]
    return CliRunner().invoke(sentinel, arguments)


def test_modes_that_are_covered_or_explained_are_complete(tmp_path: Path) -> None:
    result = compared(
        tmp_path, "a.one, a.two", "b.three: only the client sees it", ["a.one", "a.two", "b.three"]
    )

    assert result.stdout == "covered 2, not observable 1, missing 0 of 3\n"
    assert result.exit_code == 0


def test_a_forgotten_mode_is_named_and_ends_with_code_1(tmp_path: Path) -> None:
    result = compared(tmp_path, "a.one", "b.three: only the client sees it", ["a.one", "a.two", "b.three"])

    assert result.stdout == "missing  a.two: title of a.two\ncovered 1, not observable 1, missing 1 of 3\n"
    assert result.exit_code == 1


def test_a_covered_id_that_is_no_mode_is_told(tmp_path: Path) -> None:
    result = compared(tmp_path, "a.one, a.tow", "", ["a.one"])

    assert result.stdout.splitlines()[0] == "wrong  network/down covers 'a.tow', which is no failure mode"
    assert result.exit_code == 1


def test_a_mode_is_not_both_covered_and_not_observable(tmp_path: Path) -> None:
    result = compared(tmp_path, "a.one", "a.one: nobody sees it", ["a.one"])

    assert "names 'a.one', but network/down covers it" in result.stdout
    assert result.exit_code == 1


def test_what_cannot_be_observed_has_a_reason(tmp_path: Path) -> None:
    result = compared(tmp_path, "a.one", "b.two:", ["a.one", "b.two"])

    assert "gives no reason for 'b.two'" in result.stdout


def test_a_file_without_modes_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "modes.json").write_text("[]", "utf-8")

    result = CliRunner().invoke(sentinel, ["rules", "coverage", "--modes", str(tmp_path / "modes.json")])

    assert result.exit_code == 2
    assert "is not" in result.stderr


if REFERENCE.is_file():

    def test_every_documented_mode_has_its_place() -> None:
        result = CliRunner().invoke(sentinel, ["rules", "coverage", "--modes", str(REFERENCE)])

        assert result.stdout.endswith(", missing 0 of 189\n"), result.stdout
        assert result.exit_code == 0

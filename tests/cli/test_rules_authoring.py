from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import sentinel


def test_a_symptom_and_a_cause_of_it_are_begun_and_pass_their_checks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pack = tmp_path / "pack"
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sentinel.toml").write_text("[rules]\nbuiltin = false\n")

    symptom = sentinel(
        capsys,
        tmp_path / "home",
        "rules",
        "new",
        "symptom",
        "jobs-hurt",
        "--target",
        "job",
        "--into",
        str(pack),
    )
    cause = sentinel(
        capsys,
        tmp_path / "home",
        "rules",
        "new",
        "cause",
        "job/too-big",
        "--explains",
        "jobs-hurt",
        "--into",
        str(pack),
    )
    checked = sentinel(capsys, tmp_path / "home", "rules", "check", str(pack))

    assert (symptom.code, cause.code) == (0, 0)
    assert cause.out.splitlines() == [
        str(pack / "causes/job/too-big.yaml"),
        str(pack / "causes/job/too-big.cases.yaml"),
    ]
    assert (checked.code, checked.out) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cause", "a/b"], "needs --explains"),
        (["symptom", "a", "--explains", "b"], "needs --explains"),
        (["cause", "a/b", "--explains", "requests-refusd"], "there is no symptom 'requests-refusd'"),
        (["symptom", "No"], "is no id"),
    ],
)
def test_what_cannot_be_begun_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], says: str
) -> None:
    ended = sentinel(capsys, tmp_path, "rules", "new", *arguments, "--into", str(tmp_path / "pack"))

    assert ended.code == 2
    assert says in ended.err
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize("kind", ["symptom", "cause", "symptom-cases", "cause-cases"])
def test_a_schema_is_printed_for_editors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    ended = sentinel(capsys, tmp_path, "rules", "schema", kind)

    assert json.loads(ended.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"

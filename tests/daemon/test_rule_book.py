"""Rules that are read again by themselves, and kept when the new ones have errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sentinel.daemon.rule_book import RuleBook
from sentinel.detect.rule_stamps import rule_stamps
from sentinel.detect.ruleset import load_rules
from sentinel.errors import RuleErrors
from tests.detect.rule_texts import CAUSE, SYMPTOM, small_pack

Change = Callable[[str, str], None]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return small_pack(tmp_path / "pack")


@pytest.fixture
def change(pack: Path) -> Change:
    """Write another text into a file of the pack."""

    def write(name: str, text: str) -> None:
        file = pack / name
        file.write_text(text)
        later = file.stat().st_mtime_ns + 1_000_000_000
        os.utime(file, ns=(later, later))

    return write


@pytest.fixture
def told() -> list[bool]:
    return []


@pytest.fixture
def book(pack: Path, told: list[bool]) -> RuleBook:
    return RuleBook(lambda _: load_rules([pack]), lambda: rule_stamps([pack]), told.append)


def test_nothing_is_read_while_no_file_changes(book: RuleBook, told: list[bool]) -> None:
    looks = [book.look(), book.look(), book.look()]

    assert (looks, told) == ([False, False, False], [])


def test_a_changed_rule_is_in_force_once_its_file_stays_as_it_is(book: RuleBook, change: Change) -> None:
    change("symptoms/refused.yaml", SYMPTOM.replace("every: 10s", "every: 20s"))

    looks = [book.look(), book.look(), book.look()]

    assert looks == [False, True, False]
    assert book.current().symptoms[0].every.total_seconds() == 20


def test_a_rule_that_is_gone_is_not_in_force_any_more(book: RuleBook, pack: Path) -> None:
    (pack / "causes/capacity/few.yaml").unlink()

    looks = [book.look(), book.look()]

    assert (looks, book.current().causes) == ([False, True], ())


def test_with_an_error_the_old_rules_stay_and_the_place_is_told_once(
    book: RuleBook, change: Change, told: list[bool]
) -> None:
    before = book.current()
    change("causes/capacity/few.yaml", CAUSE.replace("title:", "titel:"))

    with capture_logs() as logs:
        looks = [book.look(), book.look(), book.look()]

    assert (looks, told) == ([False, False, False], [False])
    assert book.current() is before
    assert [log["log_level"] for log in logs] == ["error"]
    assert "few.yaml:1:1" in logs[0]["problems"]


def test_mended_rules_are_in_force_again(book: RuleBook, change: Change, told: list[bool]) -> None:
    change("causes/capacity/few.yaml", CAUSE.replace("title:", "titel:"))
    broken = [book.look(), book.look()]
    change("causes/capacity/few.yaml", CAUSE + "# mended\n")

    mended = [book.look(), book.look()]

    assert (broken, mended, told) == ([False, False], [False, True], [False, True])


def test_who_reads_is_told_which_files_changed_since_the_beginning(pack: Path, change: Change) -> None:
    asked: list[frozenset[Path]] = []

    def read(changed: frozenset[Path]) -> object:
        asked.append(changed)
        return load_rules([pack])

    book = RuleBook(read, lambda: rule_stamps([pack]))  # type: ignore[arg-type]
    change("symptoms/refused.yaml", SYMPTOM + "# seen\n")
    book.reread()

    assert asked == [frozenset(), {(pack / "symptoms/refused.yaml").resolve()}]


def test_rules_that_cannot_be_used_at_the_start_are_refused(pack: Path, change: Change) -> None:
    change("symptoms/refused.yaml", "titel: x\n")

    with pytest.raises(RuleErrors):
        RuleBook(lambda _: load_rules([pack]))


class TestStamps:
    def test_cases_and_other_files_have_none(self, pack: Path) -> None:
        (pack / "symptoms" / "refused.cases.yaml").write_text("cases: []\n")
        (pack / "README.md").write_text("# Mine\n")

        names = {path.name for path in rule_stamps([pack])}

        assert names == {"refused.yaml", "few.yaml"}

    def test_definitions_have_one_also_for_a_single_file_of_the_pack(self, pack: Path) -> None:
        (pack / "definitions").mkdir()
        (pack / "definitions" / "mine.kql").write_text("let Mine = AmlComputeJobEvent;\n")

        names = {path.name for path in rule_stamps([pack / "symptoms" / "refused.yaml"])}

        assert names == {"refused.yaml", "mine.kql"}

    def test_what_is_not_there_has_none(self, tmp_path: Path) -> None:
        assert rule_stamps([tmp_path / "nowhere.yaml"]) == {}

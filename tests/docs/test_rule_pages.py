"""The page of every rule is what the rule says."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from sentinel.rehearse.pages import rule_pages
from tests.docs.sessions import REPOSITORY

WRITTEN = REPOSITORY / "docs" / "rules"
PAGES = rule_pages([REPOSITORY / "rules"])


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_the_page_of_a_rule_is_current(path: PurePosixPath) -> None:
    assert (WRITTEN / path).read_text("utf-8") == PAGES[path], "run: sentinel rules pages docs/rules"


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    assert {PurePosixPath(page.relative_to(WRITTEN)) for page in WRITTEN.rglob("*.md")} == PAGES.keys()


def test_the_page_of_a_cause_tells_evidence_refutation_remedy_and_cases() -> None:
    page = PAGES[PurePosixPath("causes/capacity/saturated-at-maximum.md")]

    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## What must be seen",
        "## What rules it out",
        "## What supports it",
        "## The facts it tells",
        "## What is done about it",
        "## Cases",
    ]
    assert "1. Raise `max_replicas` to `replicas_for(" in page
    assert "- stays quiet: a crash is not load" in page

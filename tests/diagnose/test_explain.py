from __future__ import annotations

from datetime import UTC, datetime

from sentinel.diagnose import explain
from sentinel.model.diagnosis import CauseVerdict, ClauseRole, Diagnosis, Evidence, Outcome

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOLDS = Evidence(
    ClauseRole.REQUIRES, "at its maximum", "causes/a.yaml:4", True, ({"Replicas": 4, "Share": 1 / 3},)
)
NO_CRASH = Evidence(ClauseRole.EXCLUDES, "containers crash", "causes/a.yaml:9", False)
CRASH = Evidence(
    ClauseRole.EXCLUDES, "requests are cut", "causes/b.yaml:7", True, ({"TimedOut": 12, "At": None},)
)
TOP = CauseVerdict(
    "a",
    "Too few replicas",
    Outcome.EXPLAINS,
    0.5,
    "20 requests/s",
    (HOLDS, NO_CRASH),
    {"rps": 20.0},
    "causes/a.yaml:1",
)
OUT = CauseVerdict("b", "Too slow", Outcome.RULED_OUT, 0, "ruled out", (HOLDS, CRASH), {}, "causes/b.yaml:1")
BARE = CauseVerdict("c", "Lost", Outcome.NOT_SHOWN, 0, "not shown: x", (), {}, "causes/c.yaml:1")


def a_diagnosis(*, ranked: tuple[CauseVerdict, ...], newest: datetime | None = NOW) -> Diagnosis:
    return Diagnosis("refused", NOW, NOW.replace(hour=11, minute=58), ranked, (OUT, BARE), newest, "d1")


def test_a_diagnosis_is_told_from_verdict_to_rows_to_what_was_ruled_out() -> None:
    assert explain(a_diagnosis(ranked=(TOP,))) == (
        "Symptom  refused\n"
        "Verdict  Too few replicas: 20 requests/s\n"
        "Window   2026-03-04 11:58:00 to 12:00:00 UTC, newest row 12:00:00\n"
        "Rules    d1\n"
        "\n"
        "Too few replicas  [a, causes/a.yaml:1]\n"
        "   20 requests/s\n"
        "   confidence 50%\n"
        "   ✓ at its maximum  (required, holds; causes/a.yaml:4)\n"
        "       Replicas=4  Share=0.333333\n"
        "   ✗ containers crash  (excluding, does not hold; causes/a.yaml:9)\n"
        "   facts: rps=20\n"
        "\n"
        "Ruled out:\n"
        "- Too slow  [b, causes/b.yaml:1]\n"
        "   ✓ requests are cut  (excluding, holds; causes/b.yaml:7)\n"
        "       TimedOut=12  At=null\n"
        "\n"
        "Not shown:\n"
        "- Lost  [c, causes/c.yaml:1]\n"
        "   not shown: x\n"
    )


def test_an_unknown_cause_is_said_to_be_unknown() -> None:
    assert "Verdict  unknown: none of 2 known causes is shown" in explain(a_diagnosis(ranked=()))


def test_a_window_without_rows_is_not_health() -> None:
    assert "no rows in the window: nothing can be concluded" in explain(a_diagnosis(ranked=(), newest=None))

from __future__ import annotations

import pytest

from sentinel.errors import FormulaError
from sentinel.remediate.formula import compute, names_in


def test_a_formula_takes_its_numbers_by_name() -> None:
    formula = compute(
        "replicas_for(peak_rps, seconds, target_utilization, 1)",
        {"peak_rps": 20, "seconds": 10.0, "target_utilization": 70, "unused": 3},
    )

    assert formula.value == 286
    assert formula.inputs == {"peak_rps": 20.0, "seconds": 10.0, "target_utilization": 70.0}


def test_arguments_may_be_arithmetic() -> None:
    assert compute("lower_by(value, 2 * step, 30)", {"value": 70, "step": 10}).value == 50


def test_the_names_a_formula_needs_are_known_without_numbers() -> None:
    assert names_in("timeout_for(p99_ms, ceiling)") == {"p99_ms", "ceiling"}


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("replicas_fro(1, 2, 3, 4)", "replicas_fro is not one of replicas_for"),
        ("lower_by(1, 2)", "missing a required argument: 'floor'"),
        ("__import__('os').system('true')", "is not one call of"),
        ("lower_by(value, (lambda: 1)(), 2)", "is not a number, a name"),
        ("lower_by(value, ", "is not a formula"),
    ],
)
def test_anything_but_one_call_of_a_known_formula_is_refused(expression: str, complaint: str) -> None:
    with pytest.raises(FormulaError, match=complaint.replace("(", r"\(").replace(")", r"\)")):
        compute(expression, {"value": 1})


@pytest.mark.parametrize("value", [None, "12", True])
def test_a_missing_number_is_named(value: object) -> None:
    with pytest.raises(FormulaError, match="p99_ms is"):
        compute("timeout_for(p99_ms, 1000)", {"p99_ms": value})


def test_dividing_by_zero_is_said() -> None:
    with pytest.raises(FormulaError, match="divides by zero"):
        compute("lower_by(value / 0, 1, 1)", {"value": 1})

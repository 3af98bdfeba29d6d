from __future__ import annotations

import pytest

from sentinel.deploy.kubernetes_quantity import mebibytes, millicores


@pytest.mark.parametrize(
    ("written", "counted"),
    [("500m", 500), ("2", 2000), ("0.5", 500), ("1.", 1000), (".25", 250), ("1e1", 10_000), (1, 1000)],
)
def test_cpu_is_counted_in_thousandths_of_a_core(written: object, counted: int) -> None:
    assert millicores(written) == counted


@pytest.mark.parametrize(
    ("written", "counted"),
    [("512Mi", 512), ("2Gi", 2048), ("1048576", 1), ("0.5Gi", 512), ("1024Ki", 1), ("1Ti", 1 << 20)],
)
def test_memory_is_counted_in_mebibytes(written: str, counted: int) -> None:
    assert mebibytes(written) == counted


@pytest.mark.parametrize("written", ["1G", "1500k", "100", "", "lots", "1Zi", None])
def test_memory_that_is_no_whole_number_of_them_is_not_rounded(written: str | None) -> None:
    assert mebibytes(written) is None


def test_cpu_finer_than_a_thousandth_is_not_rounded() -> None:
    assert millicores("1500u") is None

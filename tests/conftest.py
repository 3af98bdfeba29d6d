"""What every test shares."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI every part is installed, so a test that skips because one is missing is a failure there."""
    report = yield
    if report.skipped and os.environ.get("CI") and "parts" in item.path.parts:
        report.outcome = "failed"
        report.longrepr = f"CI has every part, but this was skipped: {report.longrepr}"
    return report

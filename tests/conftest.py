"""What every test shares."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Iterator

import pytest

from tests.parts.kubernetes_cluster import LEFT_OUT, Cluster, missing
from tests.parts.kubernetes_objects import Place


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI every part is installed, so a test that skips because one is missing is a failure there."""
    report = yield
    if report.skipped and os.environ.get("CI") and "parts" in item.path.parts:
        report.outcome = "failed"
        report.longrepr = f"CI has every part, but this was skipped: {report.longrepr}"
    return report


def need_a_cluster() -> None:
    """Skip where the parts of a cluster are not installed; in CI they are, so there it is a failure."""
    lacking = missing()
    if lacking and os.environ.get("CI") and not LEFT_OUT:
        pytest.fail(f"CI has every part, but not {lacking}")
    if lacking:
        pytest.skip(f"{lacking} is not installed")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real Kubernetes API server with the controllers that scale and roll out, for all tests."""
    need_a_cluster()
    started = Cluster.start(tmp_path_factory.mktemp("cluster"), controllers=True)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def place(cluster: Cluster, _numbers: Iterator[int]) -> Place:
    """A namespace of the cluster for one test."""
    return Place.made(cluster, f"test-{next(_numbers)}")

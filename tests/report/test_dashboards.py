from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sentinel.model.tables import KqlType
from sentinel.query.engine import Engine
from sentinel.report.panels import PARAMETERS, Panel, PanelKind, load_boards, panels_of, parameters
from sentinel.report.series import bars, series
from sentinel.store.telemetry import TelemetryStore
from tests.report.incident_samples import after
from tests.report.telemetry_samples import fill

PANELS = [pytest.param(panel, id=f"{board.id}-{panel.line}") for board, panel in panels_of(load_boards())]
NOW = after(200)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with TelemetryStore.in_memory() as store:
        fill(store)
        engine = Engine(store)
        yield engine
        engine.close()


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_that_ships_asks_what_its_kind_can_draw(engine: Engine, panel: Panel) -> None:
    columns = engine.check(panel.query, PARAMETERS)

    kinds = {column.type for column in columns}
    wanted = {
        PanelKind.TABLE: set(),
        PanelKind.STAT: set(),
        PanelKind.BARCHART: {KqlType.LONG, KqlType.STRING},
        PanelKind.TIMECHART: {KqlType.DATETIME},
    }[panel.kind]
    assert wanted <= kinds


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_that_ships_answers_over_real_rows(engine: Engine, panel: Panel) -> None:
    bound = parameters(timedelta(minutes=30), NOW)

    result = engine.query(panel.query, now=NOW, parameters=bound)

    assert len(result.columns) > 0


def test_the_share_refused_is_that_of_the_rows(engine: Engine) -> None:
    share = next(panel for _, panel in panels_of(load_boards()) if panel.title == "Share refused (503)")
    result = engine.query(share.query, now=NOW, parameters=parameters(timedelta(minutes=30), NOW))

    lines = series(
        result.columns,
        result.rows,
        since=NOW - timedelta(minutes=30),
        until=NOW,
        step=timedelta(seconds=30),
    )

    assert [(line.name, line.most) for line in lines] == [("chat/blue", 25.0), ("chat/green", 0.0)]


def test_failures_are_counted_by_cluster(engine: Engine) -> None:
    failures = next(panel for _, panel in panels_of(load_boards()) if panel.title == "Failures by cluster")
    result = engine.query(failures.query, now=NOW, parameters=parameters(timedelta(days=1), NOW))

    assert {(bar.name, bar.value) for bar in bars(result.columns, result.rows)} == {
        ("cpu-d4", 1),
        ("gpu-a100", 1),
    }

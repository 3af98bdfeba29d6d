from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.errors import ConfigError
from sentinel.report.panels import PanelKind, dashboards_folder, load_boards

GOOD = """\
title: Endpoints
window: 15m
panels:
  - title: Requests
    kind: timechart
    every: 5s
    unit: requests
    query: AmlOnlineEndpointTrafficLog | count
  - title: Rows
    query: AmlComputeJobEvent
"""
BAD = """\
title: Endpoints
widnow: 15m
panels:
  - title: Requests
    kind: pie
    every: soon
    query: ""
  - query: AmlComputeJobEvent
"""


def test_a_board_is_read_with_its_panels(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yaml").write_text(GOOD)

    (board,) = load_boards(tmp_path)

    assert (board.id, board.title, board.window) == ("endpoints", "Endpoints", timedelta(minutes=15))
    requests, rows = board.panels
    assert (requests.kind, requests.every, requests.unit) == (
        PanelKind.TIMECHART,
        timedelta(seconds=5),
        "requests",
    )
    assert (rows.kind, rows.every, rows.line) == (PanelKind.TABLE, timedelta(seconds=10), 9)


def test_everything_wrong_is_reported_at_once_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)

    with pytest.raises(ConfigError) as caught:
        load_boards(tmp_path)

    assert str(caught.value).splitlines() == [
        "bad.yaml:2: a dashboard has no key 'widnow'; is 'window' meant?",
        "bad.yaml:5: kind: 'pie' is not one of table, timechart, barchart, stat",
        "bad.yaml:6: every: 'soon' is not a duration such as 90s, 5m, 1h30m or 2d",
        "bad.yaml:7: query: a text is wanted",
        "bad.yaml:8: a panel needs the key 'title'",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: [", "broken.yaml:1: is not YAML"),
        ("", "broken.yaml:1: is empty"),
        ("- a", "broken.yaml:1: a dashboard has the keys panels, title, window"),
        ("title: A\npanels: none", "broken.yaml:2: panels: a list of panels is wanted"),
        ("title: A\ntitle: B\npanels: []", "broken.yaml:2: title: stands here twice"),
    ],
)
def test_a_file_that_is_no_board_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "broken.yaml").write_text(text)

    with pytest.raises(ConfigError, match=says):
        load_boards(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder of dashboards"):
        load_boards(tmp_path / "nowhere")


def test_the_boards_that_ship_can_be_read() -> None:
    boards = load_boards(dashboards_folder())

    assert [board.id for board in boards] == ["jobs", "online-endpoints", "sentinel"]

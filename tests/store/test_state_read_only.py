from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sentinel.errors import StoreError
from sentinel.store.incidents import Incidents
from sentinel.store.state import State
from tests.report.incident_samples import an_incident


def test_what_is_stored_can_be_read_but_not_changed(tmp_path: Path) -> None:
    writer = State.open(tmp_path / "state.db")
    Incidents(writer).create(an_incident("i1"))
    reader = State.open_read_only(tmp_path / "state.db")

    listed = Incidents(reader).listed()
    with pytest.raises(sqlite3.OperationalError):
        Incidents(reader).create(an_incident("i2"))

    assert [incident.id for incident in listed] == ["i1"]
    reader.close()
    writer.close()


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read the state database"):
        State.open_read_only(tmp_path / "state.db")

    assert not (tmp_path / "state.db").exists()

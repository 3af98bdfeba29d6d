"""The Python in `docs/http.md` works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.conftest import Served

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["log-analytics", "kusto"])
def test_a_snippet_prints_what_the_store_holds(
    served: Served, snippet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(snippet.replace("http://127.0.0.1:8686", served.url).replace("KEY", "read"), {})

    assert int(capsys.readouterr().out) > 0

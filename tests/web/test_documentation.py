"""`docs/http.md` lists every route, and its examples are answered as it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route, compile_path

from tests.web.conftest import Face

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text("utf-8")
LISTED = re.findall(r"^\| `([A-Z]+) (\S+)` \|", PAGE, re.MULTILINE)


@dataclass(frozen=True)
class Example:
    method: str
    target: str
    headers: dict[str, str]
    body: str
    status: int
    answer: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def examples() -> list[Example]:
    return [example(text) for text in re.findall(r"```http\n(.*?)```", PAGE, re.DOTALL)]


def example(text: str) -> Example:
    asked, _, answered = text.partition("\nHTTP ")
    head, _, body = asked.partition("\n\n")
    first, *rest = head.strip().splitlines()
    method, target = first.split(" ")
    headers = dict(line.split(": ", 1) for line in rest)
    status, _, answer = answered.partition("\n")
    return Example(method, target, headers, body.strip(), int(status), answer.strip())


def served(app: Starlette) -> set[tuple[str, str]]:
    routes = [route for route in app.routes if isinstance(route, Route)]
    return {(method, route.path) for route in routes for method in (route.methods or ()) if method != "HEAD"}


def agrees(shown: Any, found: Any) -> bool:
    """Whether an answer is as shown; `…` stands for anything, as a key for any more keys."""
    if shown == "…":
        return True
    if isinstance(shown, dict) and isinstance(found, dict):
        more = "…" in shown
        known = {key: value for key, value in shown.items() if key != "…"}
        same = known.keys() <= found.keys() if more else known.keys() == found.keys()
        return same and all(agrees(value, found[key]) for key, value in known.items())
    if isinstance(shown, list) and isinstance(found, list):
        return len(shown) == len(found) and all(map(agrees, shown, found))
    return bool(shown == found)


def test_every_route_is_listed_and_nothing_else(face: Face) -> None:
    assert sorted(LISTED) == sorted(served(face.app()))


def test_every_route_has_an_example() -> None:
    asked = [(one.method, one.path) for one in examples()]

    without = [
        (method, path)
        for method, path in LISTED
        if not any(method == m and compile_path(path)[0].match(p) for m, p in asked)
    ]
    assert without == []


async def test_the_examples_are_answered_as_shown(face: Face) -> None:
    face.waiting_incident()

    answers = []
    async with face.client("admin") as client:
        for one in examples():
            headers = {name: value.replace("KEY", "admin") for name, value in one.headers.items()}
            answers.append(await client.request(one.method, one.target, content=one.body, headers=headers))

    wrong = [
        (one.method, one.target, found.status_code, found.text)
        for one, found in zip(examples(), answers, strict=True)
        if found.status_code != one.status
        or (one.answer and not agrees(json.loads(one.answer), found.json()))
    ]
    assert wrong == []

"""What the answers of an API server become, by one whose answers are written beforehand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sentinel.deploy.kubernetes_access import Access
from sentinel.deploy.kubernetes_api import Api, FieldConflict
from sentinel.deploy.kubernetes_credentials import Token
from sentinel.errors import AdapterError, Conflict, TargetNotFound

Answer = tuple[int, dict[str, str], dict[str, Any]]


class Written(ThreadingHTTPServer):
    """Gives its answers in turn, the last one again and again, and remembers who asked for what."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = [(200, {}, {})]
        self.asked: list[tuple[str, str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Written

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        answers = self.server.answers
        code, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        sent = json.dumps(body).encode()
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(sent))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_PATCH = do_POST = _answer  # noqa: N815 - the names http.server calls


@pytest.fixture
def server() -> Iterator[Written]:
    with Written() as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.fixture
def api(server: Written) -> Iterator[Api]:
    asking = Api(Access(f"http://127.0.0.1:{server.server_port}", True, Token("secret")), timeout=5)
    yield asking
    asking.close()


def status(code: int, message: str = "", **details: Any) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "code": code, "message": message, "details": details}


def change(api: Api) -> dict[str, Any]:
    return api.apply("/thing", {}, dry_run=False, force=False)


def test_the_token_is_shown_with_every_call(api: Api, server: Written) -> None:
    api.get("/thing", limit=1)

    assert server.asked == [("GET", "/thing?limit=1", "Bearer secret")]


@pytest.mark.parametrize(
    ("code", "kind", "permanent"),
    [
        (400, AdapterError, True),
        (403, AdapterError, True),
        (404, TargetNotFound, True),
        (409, Conflict, False),
        (422, AdapterError, True),
        (500, AdapterError, False),
        (503, AdapterError, False),
    ],
)
def test_every_answer_is_an_error_of_the_port(
    api: Api, server: Written, code: int, kind: type[AdapterError], *, permanent: bool
) -> None:
    server.answers = [(code, {}, status(code, "because of this"))]

    with pytest.raises(AdapterError, match=f"answered {code}: because of this") as failed:
        change(api)

    assert (type(failed.value), failed.value.permanent) == (kind, permanent)
    assert len(server.asked) == 1


def test_a_conflict_of_fields_names_their_managers(api: Api, server: Written) -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "helm" using autoscaling/v1',
        "field": ".spec.maxReplicas",
    }
    server.answers = [(409, {}, status(409, causes=[cause]))]

    with pytest.raises(FieldConflict) as refused:
        change(api)

    assert refused.value.claims == (("helm", ".spec.maxReplicas"),)


def test_a_call_that_was_turned_away_is_made_again(api: Api, server: Written) -> None:
    server.answers = [(429, {"Retry-After": "0"}, status(429)), (200, {}, {"spec": {}})]

    assert change(api) == {"spec": {}}


def test_a_call_that_is_turned_away_again_and_again_says_how_long_to_wait(api: Api, server: Written) -> None:
    server.answers = [
        (429, {"Retry-After": "0"}, status(429)),
        (429, {"Retry-After": "0"}, status(429)),
        (429, {"Retry-After": "30"}, status(429)),
    ]

    with pytest.raises(AdapterError) as busy:
        change(api)

    assert (busy.value.permanent, busy.value.retry_after, len(server.asked)) == (False, 30.0, 3)


def test_a_look_is_repeated_when_the_server_fails(api: Api, server: Written) -> None:
    server.answers = [(500, {}, status(500)), (200, {}, {"items": []})]

    assert api.get("/things") == {"items": []}


def test_all_pages_of_a_list_are_read(api: Api, server: Written) -> None:
    server.answers = [
        (200, {}, {"metadata": {"continue": "next"}, "items": [{"n": 1}]}),
        (200, {}, {"metadata": {}, "items": [{"n": 2}]}),
    ]

    assert list(api.listed("/things")) == [{"n": 1}, {"n": 2}]
    assert server.asked[1][1] == "/things?limit=500&continue=next"


def test_a_token_that_is_not_accepted_twice_is_an_error_for_good(api: Api, server: Written) -> None:
    server.answers = [(401, {}, status(401, "Unauthorized"))]

    with pytest.raises(AdapterError, match="401") as refused:
        api.get("/thing")

    assert (refused.value.permanent, len(server.asked)) == (True, 2)


def test_the_token_is_in_no_error(api: Api, server: Written) -> None:
    server.answers = [(403, {}, status(403, "forbidden"))]

    with pytest.raises(AdapterError) as refused:
        api.get("/thing")

    assert "secret" not in f"{refused.value!r} {Token('secret')!r}"

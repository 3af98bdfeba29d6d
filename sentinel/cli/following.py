"""`--follow`: the rows of a question as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sentinel.cli.question import Question
from sentinel.cli.row_by_row import must_answer_row_by_row
from sentinel.model.tables import KqlType

if TYPE_CHECKING:
    from sentinel.query.engine import Engine
    from sentinel.query.result import Result

SETTLING: Final = timedelta(seconds=1)
"""How long after its time of ingestion a row is shown: two writers may commit the other way round."""
_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
_TYPES: Final[Mapping[type, KqlType]] = {
    str: KqlType.STRING,
    bool: KqlType.BOOL,
    int: KqlType.LONG,
    float: KqlType.REAL,
    datetime: KqlType.DATETIME,
    timedelta: KqlType.TIMESPAN,
}


def follow(
    engine: Engine,
    question: Callable[[datetime], Question],
    now: Callable[[], datetime],
    wait: Callable[[], bool],
) -> Iterator[Result]:
    """The answer about what is there, and then about each portion of what was taken in meanwhile.

    `question` is asked anew each time, so that a span such as the last hour moves along. It ends when `wait`
    answers `False`.

    Raises:
        QueryError: The question is refused, among others because it does not answer row by row.
    """
    must_answer_row_by_row(question(now()).text)
    after = _BEGINNING
    while True:
        at = now()
        until = at - SETTLING
        asked = question(at)
        yield engine.query(
            _arrived(engine, asked) + asked.text,
            now=at,
            parameters={**asked.parameters, "arrived_after": after, "arrived_until": until},
        )
        after = until
        if not wait():
            return


def _arrived(engine: Engine, asked: Question) -> str:
    """Lets that put the rows of one portion in the place of each table the question reads.

    Asking for the tables first also refuses a wrong question with places in its own text.
    """
    types: dict[str, Any] = {name: _TYPES[type(value)] for name, value in asked.parameters.items()}
    return "".join(
        f"let {table} = {table} | where _IngestionTime > arrived_after and _IngestionTime <= arrived_until;\n"
        for table in engine.tables_of(asked.text, parameters=types)
    )

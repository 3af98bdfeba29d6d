"""How a scalar function is described: what it takes, what it gives and how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sentinel.errors import QueryUnsupported
from sentinel.model.tables import KqlType


class Unanswerable(QueryUnsupported):
    """A row asks a function for what nobody documents; better no answer than a guess."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported")


class Wide(StrEnum):
    """Parameters that take more than one type."""

    TEXT = "anything, as text"
    JSON = "anything, as a dynamic"
    ANY = "anything, as it is"


Parameter = KqlType | Wide


class Naming(StrEnum):
    """What an unnamed column computed by a function is called."""

    ARGUMENT = "as its first argument"
    WRAPPED = "function_argument"
    NUMBERED = "Column1"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One form of a scalar function.

    `run` gets Python values: text, whole numbers (also for datetimes, timespans and booleans), floats, dynamics as
    parsed values. The last `optional` parameters may be left out; with `repeats` the last may come again. A `strict`
    function is null (or the empty text) if any argument is. `suffix` tells the forms of one function apart.
    """

    name: str
    takes: tuple[Parameter, ...]
    gives: KqlType
    run: Callable[..., Any]
    optional: int = 0
    repeats: bool = False
    strict: bool = True
    suffix: str = ""
    never_null: bool = False
    tame: bool = False
    reach: int = 0

    @property
    def sql_name(self) -> str:
        """The name it is registered by."""
        return f"kql_{self.name}{'_' + self.suffix if self.suffix else ''}".replace("-", "_")


S: Final = KqlType.STRING
L: Final = KqlType.LONG
I: Final = KqlType.INT  # noqa: E741 - one letter a type keeps the tables of functions legible
R: Final = KqlType.REAL
B: Final = KqlType.BOOL
T: Final = KqlType.DATETIME
P: Final = KqlType.TIMESPAN
D: Final = KqlType.DYNAMIC
G: Final = KqlType.GUID
N: Final = KqlType.DECIMAL
TEXT: Final = Wide.TEXT
JSON: Final = Wide.JSON
ANY: Final = Wide.ANY

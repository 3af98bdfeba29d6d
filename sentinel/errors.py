"""Every error Sentinel raises on purpose.

SentinelError
├── ConfigError          a setting or a command line that cannot be used
├── QueryError           a KQL text that is refused or failed, with its place
│   ├── QuerySyntaxError     it does not parse
│   ├── QuerySemanticError   it names or combines what does not fit
│   ├── QueryUnsupported     valid KQL that Sentinel does not answer
│   └── QueryLimitExceeded   rows, memory or depth ran out
│       ├── QueryTimedOut        time ran out
│       └── QueryCancelled       whoever asked does not want the answer any more
├── RuleErrors           everything wrong with a set of rule files, at once
├── IngestError          a delivery that cannot be taken as a whole
│   └── IngestBusy           the writer is behind; come back later
├── SourceError          a place telemetry is fetched from that cannot be read just now
├── StoreError           a database that cannot be opened or written
├── AdapterError         a deployment that could not be read or changed
│   ├── TargetNotFound       the deployment does not exist
│   └── Conflict             the deployment is not as it was read
└── NotifyError          a notice that could not be delivered
"""

from __future__ import annotations

from dataclasses import dataclass


class SentinelError(Exception):
    """Base of all errors Sentinel raises on purpose."""


class ConfigError(SentinelError):
    """A setting or an argument cannot be used."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters, `[start, end)`, in a text."""

    start: int
    end: int


class QueryError(SentinelError):
    """A KQL query was refused or failed.

    Args:
        message: What is wrong, in one sentence.
        span: Where in the text, if a place is known.
        text: The query.
        hint: What to write instead, if something near is known.
    """

    code = "General_BadRequest"

    def __init__(self, message: str, span: Span | None = None, text: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.text = text
        self.hint = hint

    @property
    def line_and_column(self) -> tuple[int, int]:
        """The 1-based line and column of the place, `(1, 1)` when none is known."""
        start = self.span.start if self.span else 0
        before = self.text[:start]
        return before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1

    def __str__(self) -> str:
        line, column = self.line_and_column
        parts = [f"{line}:{column}: {self.message}"]
        if self.span is not None and self.text:
            shown = self.text.split("\n")[line - 1].rstrip("\r")
            width = max(1, min(self.span.end - self.span.start, len(shown) - column + 1))
            parts += [f"  {shown}", "  " + " " * (column - 1) + "^" * width]
        if self.hint:
            parts.append(f"  {self.hint}")
        return "\n".join(parts)


class QuerySyntaxError(QueryError):
    """The text is not KQL."""

    code = "SYN0002"


class QuerySemanticError(QueryError):
    """The text names or combines what does not fit."""

    code = "SEM0100"


class QueryUnsupported(QueryError):
    """Valid KQL that Sentinel does not answer."""

    code = "SEM0001"


class QueryLimitExceeded(QueryError):
    """A limit of rows, time, memory or depth ran out, or the query was cancelled."""

    code = "E_QUERY_RESULT_SET_TOO_LARGE"


class QueryTimedOut(QueryLimitExceeded):
    """The query took longer than it may."""

    code = "Timeout"


class QueryCancelled(QueryLimitExceeded):
    """Whoever asked does not want the answer any more."""

    code = "Cancelled"


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing wrong with one rule file."""

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class RuleErrors(SentinelError):
    """Everything wrong with a set of rule files, at once."""

    def __init__(self, problems: tuple[RuleProblem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class IngestError(SentinelError):
    """A delivery cannot be taken as a whole."""


class IngestBusy(IngestError):
    """The writer is behind; nothing of the delivery was taken. Come back after `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the writer is behind; try again in {retry_after:g} s")
        self.retry_after = retry_after


class FormulaError(SentinelError):
    """A formula of a rule cannot be computed: it is not well formed, or a number is missing."""


class FigureError(SentinelError):
    """A figure cannot be drawn."""


class DecisionError(SentinelError):
    """A person asked for what the incident's state does not allow."""


class SourceError(SentinelError):
    """A place telemetry is fetched from cannot be read just now."""


class StoreError(SentinelError):
    """A database cannot be opened or written."""


class AdapterError(SentinelError):
    """A deployment could not be read or changed.

    `permanent` says that the same call will fail again. `retry_after` is how many seconds the control plane asked to
    be left alone, if it did.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class TargetNotFound(AdapterError):
    """The deployment does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class Conflict(AdapterError):
    """The deployment is not as it was read: someone else changed it, or an update is in flight."""


class NotifyError(SentinelError):
    """A notice could not be delivered; `permanent` says that a retry is pointless."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent

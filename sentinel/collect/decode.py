"""Turns the body of a delivery, in any framing, into rows and what has to be set aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from sentinel.collect import framing
from sentinel.collect.convert import to_json
from sentinel.collect.foreign import unfolded
from sentinel.collect.framing import Piece
from sentinel.collect.normalise import Unusable, normalise
from sentinel.collect.shapes import Shapes
from sentinel.store.batch import Records, SetAside

_HEAD: Final = 1 << 13
_BROKEN: Final = (msgspec.DecodeError, RecursionError)


class _Wrapper(msgspec.Struct):
    """What tells `{"records": [...]}` and an answer of Log Analytics from a record."""

    records: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    tables: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    time: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    flat: msgspec.Raw | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="TimeGenerated")


class _AnswerColumn(msgspec.Struct):
    name: str


class _Answer(msgspec.Struct):
    columns: list[_AnswerColumn]
    rows: list[list[Any]]


_wrapper: Final = msgspec.json.Decoder(_Wrapper)
_items: Final = msgspec.json.Decoder(list[msgspec.Raw])
_answer: Final = msgspec.json.Decoder(_Answer)


def decode(
    body: bytes,
    *,
    origin: str,
    add: Callable[[str, Records], None],
    shapes: Shapes,
    table: str | None = None,
    first_line: int = 1,
) -> tuple[SetAside, ...]:
    """Hand the records of an unpacked delivery to `add`, some of one table at a time.

    What cannot be stored is returned, each piece with its line and reason. `table` is the table the delivery is
    known to be for, `first_line` the number its first line has in `origin`.
    """
    reading = _Reading(origin, table, add, shapes)
    reading.take(Piece(first_line, body))
    return tuple(reading.set_aside)


class _Reading:
    """One delivery being read."""

    def __init__(
        self, origin: str, table: str | None, add: Callable[[str, Records], None], shapes: Shapes
    ) -> None:
        self._origin = origin
        self._table = table
        self._add = add
        self._shapes = shapes
        self.set_aside: list[SetAside] = []

    def take(self, body: Piece) -> None:
        """A whole body."""
        raw = body.raw.lstrip()
        if not raw:
            return
        newline = raw.find(b"\n")
        is_single = newline < 0 or (newline + _HEAD >= len(raw) and not raw[newline:].strip())
        if is_single or not _is_json(raw[:newline]):
            if self._take_document(Piece(body.line, raw.rstrip())):
                return
            if not any(_is_json(line.raw) for line in framing.lines(body)):
                self._put_aside(body, _why_not_json(body.raw))
                return
        for start, chunk in framing.chunks(body.raw):
            if not self._take_exact_lines(chunk):
                # Counted only where a line has to be named: it is a pass over the whole body.
                self._take_lines(Piece(body.line + body.raw.count(b"\n", 0, start), chunk))

    def _put_aside(self, piece: Piece, reason: str) -> None:
        self.set_aside.append(SetAside(self._origin, piece.line, reason, piece.raw, self._table or ""))

    def _take_exact_lines(self, chunk: bytes) -> bool:
        shape = self._shapes.of(chunk[:_HEAD], self._table)
        if shape is None:
            return False
        try:
            records = shape.lines(chunk)
        except (ValueError, RecursionError):
            return False
        self._add(shape.table, records)
        return True

    def _take_lines(self, chunk: Piece) -> None:
        for line in framing.lines(chunk):
            if not self._take_record(line) and not self._take_document(line):
                self._put_aside(line, _why_not_json(line.raw))

    def _take_record(self, piece: Piece) -> bool:
        """One exactly spelt record."""
        shape = self._shapes.of(piece.raw, self._table)
        if shape is None:
            return False
        try:
            records = shape.one(piece.raw)
        except (ValueError, RecursionError):
            return False
        self._add(shape.table, records)
        return True

    def _take_document(self, piece: Piece) -> bool:
        """One JSON value or several; whether it is JSON at all."""
        if self._take_exact(piece):
            return True
        try:
            self._take_value(piece)
        except _BROKEN:
            return self._take_values(piece)
        return True

    def _take_exact(self, piece: Piece) -> bool:
        shape = self._shapes.of(piece.raw[:_HEAD], self._table)
        if shape is None:
            return False
        for read in (shape.array,) if piece.raw.startswith(b"[") else (shape.wrapped, shape.one):
            try:
                records = read(piece.raw)
            except (ValueError, RecursionError):
                continue
            self._add(shape.table, records)
            return True
        return False

    def _take_values(self, piece: Piece) -> bool:
        """Several JSON values one after another."""
        try:
            found = framing.values(piece)
        except (ValueError, RecursionError):
            return False
        if len(found) == 1:
            return False
        for value in found:
            try:
                if not self._take_exact(value):
                    self._take_value(value)
            except _BROKEN:
                self._put_aside(value, _why_not_json(value.raw))
        return True

    def _take_value(self, piece: Piece) -> None:
        """One JSON value.

        Raises:
            msgspec.DecodeError: It is not JSON.
        """
        if piece.raw.startswith(b"["):
            self._take_items(_items.decode(piece.raw), piece.line)
            return
        try:
            wrapper = _wrapper.decode(piece.raw)
        except msgspec.ValidationError:
            wrapper = _Wrapper()
        is_record = wrapper.time is not msgspec.UNSET or wrapper.flat is not msgspec.UNSET
        if not is_record and isinstance(wrapper.records, list):
            self._take_items(wrapper.records, piece.line)
        elif not is_record and isinstance(wrapper.tables, list):
            for answer in wrapper.tables:
                self._take_answer(Piece(piece.line, bytes(answer)))
        else:
            self._normalise(msgspec.json.decode(piece.raw), piece)

    def _take_items(self, items: list[msgspec.Raw], line: int) -> None:
        for item in items:
            piece = Piece(line, bytes(item))
            if not self._take_record(piece):
                try:
                    self._normalise(msgspec.json.decode(piece.raw), piece)
                except _BROKEN:
                    self._put_aside(piece, _why_not_json(piece.raw))

    def _take_answer(self, piece: Piece) -> None:
        """One table of an answer: columns and rows."""
        try:
            answer = _answer.decode(piece.raw)
        except msgspec.DecodeError as error:
            self._put_aside(piece, f"it is not a table of an answer: {error}")
            return
        names = [column.name for column in answer.columns]
        for row in answer.rows:
            record = dict(zip(names, row, strict=False))
            self._normalise(record, Piece(piece.line, to_json(record)))

    def _normalise(self, record: Any, piece: Piece) -> None:
        held = unfolded(record)
        if held is not None:
            for one in held:
                self._normalised(one, Piece(piece.line, to_json(one)))
        else:
            self._normalised(record, piece)

    def _normalised(self, record: Any, piece: Piece) -> None:
        try:
            table, row = normalise(record, self._table)
        except Unusable as error:
            self._put_aside(piece, str(error))
        else:
            self._add(table, [row])


def _is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except _BROKEN:
        return False
    return True


def _why_not_json(raw: bytes) -> str:
    try:
        msgspec.json.decode(raw)
    except (*_BROKEN, ValueError) as error:
        return f"it is not JSON: {error}"
    return "it is not JSON"

"""What `sentinel query` can tell without asking the telemetry: tables, columns, and what a query becomes."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from sentinel.cli.listing import Field, write_list
from sentinel.cli.output import write_lines
from sentinel.model.tables import Column, Table, tables

if TYPE_CHECKING:
    from sentinel.cli.question import Question


def write_tables(form: str) -> None:
    """List the tables that can be asked."""
    fields: list[Field[Table]] = [
        Field("Table", lambda one: one.name),
        Field("About", lambda one: one.description),
    ]
    write_list(form, fields, sorted(tables().values(), key=lambda one: one.name))


def write_columns(form: str, name: str) -> None:
    """List the columns of a table."""
    by_name = {known.lower(): table for known, table in tables().items()}
    table = by_name.get(name.lower())
    if table is None:
        near = difflib.get_close_matches(name.lower(), by_name, 1, 0.5)
        hint = f"; did you mean {by_name[near[0]].name}?" if near else "; --tables lists them"
        raise click.UsageError(f"there is no table named {name!r}{hint}")
    fields: list[Field[Column]] = [
        Field("Column", lambda column: column.name),
        Field("Type", lambda column: column.type),
    ]
    write_list(form, fields, table.columns)


def write_explanation(asked: Question) -> None:
    """Show the plan and the SQL of a question.

    Raises:
        QueryError: The query is refused.
    """
    from sentinel.query.engine import compile_query, sql_text
    from sentinel.query.parameters import kind_of
    from sentinel.query.plan_text import plan_text

    kinds = {name: kind_of(value) for name, value in asked.parameters.items()}
    sql = sql_text(compile_query(asked.text, kinds, tables()))
    write_lines(["-- plan", plan_text(asked.text, tables(), kinds), "-- SQL", sql])

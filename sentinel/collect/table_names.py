"""The names of tables as people give them to deliveries."""

from __future__ import annotations

from difflib import get_close_matches

from sentinel.errors import IngestError
from sentinel.model.tables import table_of_category, tables


def must_be_table(name: str) -> None:
    """Refuse a name that is no table's and no log category's: every record would end in the table of unknown ones.

    Raises:
        IngestError: There is no such table; it names the nearest one.
    """
    if table_of_category(name) is not None:
        return
    by_name = {table.lower(): table for table in tables()}
    near = get_close_matches(name.lower(), by_name, 1)
    hint = f"did you mean {by_name[near[0]]}?" if near else "`sentinel query --tables` lists them"
    raise IngestError(f"there is no table {name!r}; {hint}")

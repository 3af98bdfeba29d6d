"""What an editor needs to complete a query: tables with their columns, functions, operators."""

from __future__ import annotations

from typing import Any

from sentinel.query.catalogue import SYNONYMS, scalars
from sentinel.query.engine import Engine
from sentinel.query.naming import AGGREGATE_NAMES
from sentinel.query.parser import operator_names


def schema_document(engine: Engine) -> dict[str, Any]:
    """Everything that can be named in a query, as plain values that fit into JSON."""
    return {
        "tables": [
            {
                "name": table.name,
                "description": table.description,
                "columns": [{"name": column.name, "type": column.type.value} for column in table.columns],
            }
            for _, table in sorted(engine.tables.items())
        ],
        "operators": sorted(operator_names()),
        "functions": sorted(name for name in {*scalars(), *SYNONYMS} if not name.startswith("op_")),
        "aggregates": sorted(AGGREGATE_NAMES),
    }

"""Makes `tables.json` from the reference collection of Azure Monitor's tables.

Run as `python -m sentinel.model.generate_tables REFERENCE > sentinel/model/tables.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def condense(reference: dict[str, Any]) -> dict[str, Any]:
    """Names, types, categories and descriptions of a reference collection, sorted as Azure lists them."""
    return {
        "source": reference["meta"]["columns_source"],
        "licence": "CC BY 4.0 (Microsoft); names and types only, descriptions are our own words",
        "tables": {
            name: {
                "description": table["description"],
                "categories": table["log_categories"],
                "columns": {column["name"]: column["type"] for column in table["columns"]},
            }
            for name, table in reference["tables"].items()
        },
    }


if __name__ == "__main__":
    json.dump(condense(json.loads(Path(sys.argv[1]).read_text("utf-8"))), sys.stdout, indent=1)
    sys.stdout.write("\n")

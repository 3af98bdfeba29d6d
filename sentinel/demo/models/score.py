"""A language model's stand-in: it takes as long as the tokens it is asked for would take.

`SERVICE_TIME_FILE` names a JSON file `{"base_ms": ..., "per_token_ms": ...}`, read anew for each request, so that
the model can become slower while it runs. `MODEL_LOAD_SECONDS` is how long loading takes.
"""

import json
import os
import time
from pathlib import Path
from typing import Any


def init() -> None:
    """Load the model."""
    time.sleep(float(os.environ.get("MODEL_LOAD_SECONDS", "0")))


def run(data: str) -> dict[str, Any]:
    """Generate `generated_tokens` tokens."""
    asked = json.loads(data) if data else {}
    tokens = int(asked.get("generated_tokens", 0))
    pace = json.loads(Path(os.environ["SERVICE_TIME_FILE"]).read_text("utf-8"))
    time.sleep((pace["base_ms"] + pace["per_token_ms"] * tokens) / 1000)
    return {"generated_tokens": tokens}

"""A scoring script that needs a package its environment lacks."""

# mypy: disable-error-code="import-not-found"
# The missing package is the point.

import lightgbm


def init() -> None:
    """Load the model."""


def run(data: str) -> dict[str, float]:
    """Score with the model."""
    return {"score": float(lightgbm.Booster(model_file="model.txt").predict(data))}

"""The dashboard's colours: quiet, so that what is wrong stands out."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

CHART: Final = "#5FA8CC"
"""What lines and bars are drawn in."""

THEME: Final = Theme(
    name="sentinel",
    primary="#4C8DAE",
    secondary="#7A8B99",
    accent="#D9A441",
    foreground="#D8DEE4",
    background="#12171C",
    surface="#12171C",
    panel="#1B232B",
    boost="#222C36",
    success="#6FB37F",
    warning="#D9A441",
    error="#E06C60",
    dark=True,
    variables={
        "border-blurred": "#3A4753",
        "scrollbar": "#4C8DAE",
        "scrollbar-background": "#1B232B",
        "scrollbar-corner-color": "#1B232B",
        "footer-key-foreground": "#D9A441",
    },
)

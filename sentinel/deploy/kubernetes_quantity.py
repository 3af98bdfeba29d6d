"""Kubernetes' quantities, such as `500m` of CPU and `2Gi` of memory, as whole numbers of small units.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final

MEBIBYTE: Final = 1 << 20
_WRITTEN: Final = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)(?:([eE][+-]?[0-9]+)|([a-zA-Z]*))")
_SUFFIXES: Final[Mapping[str, Fraction]] = MappingProxyType(
    {
        "n": Fraction(1, 10**9),
        "u": Fraction(1, 10**6),
        "m": Fraction(1, 1000),
        "": Fraction(1),
        **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", 1)},
        **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", 1)},
    }
)


def millicores(quantity: object) -> int | None:
    """A quantity of CPU in thousandths of a core, or None if it is not a whole number of them."""
    return _whole(quantity, Fraction(1, 1000))


def mebibytes(quantity: object) -> int | None:
    """A quantity of memory in MiB, or None if it is not a whole number of them."""
    return _whole(quantity, Fraction(MEBIBYTE))


def _whole(quantity: object, unit: Fraction) -> int | None:
    found = _WRITTEN.fullmatch(str(quantity))
    if found is None:
        return None
    number, exponent, suffix = found.groups()
    scale = _SUFFIXES.get(suffix or "")
    if scale is None:
        return None
    value = Fraction(number + (exponent or "")) * scale / unit
    return int(value) if value.denominator == 1 else None

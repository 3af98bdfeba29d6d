"""KQL's conversions between units of measure.

Kusto takes its factors from UnitsNet as it was in mid-2022, the release whose units are exactly the documented ones;
some of those factors are rounded, and so are the answers here.
https://learn.microsoft.com/kusto/query/convert-length-function
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Final

from sentinel.query.scalar import R, S, Scalar, Unanswerable

_PREFIXES: Final = {
    "Nano": 1e-9, "Micro": 1e-6, "Milli": 1e-3, "Centi": 1e-2, "Deci": 1e-1, "Deca": 1e1, "Hecto": 1e2, "Kilo": 1e3,
    "Mega": 1e6, "Giga": 1e9, "Tera": 1e12,
}  # fmt: skip

_UNITS: Final[dict[str, dict[str, float | tuple[float, float]]]] = {
    "angle": {
        "Radian": (180, math.pi), "Degree": 1, "Arcminute": (1, 60), "Arcsecond": (1, 3600), "Gradian": 0.9,
        "NatoMil": (9, 160), "Revolution": 360,
    },
    "energy": {
        "Joule": 1, "Calorie": 4.184, "BritishThermalUnit": 1055.05585262, "ElectronVolt": 1.602176565e-19,
        "FootPound": 1.355817948, "Erg": 1e-7, "WattHour": 3600, "WattDay": 86400, "ThermEc": 1.05505585262e8,
        "ThermUs": 1.054804e8, "ThermImperial": 1.05505585257348e8, "HorsepowerHour": 2.6845195377e6,
    },
    "force": {
        "Dyn": 1e-5, "KilogramForce": 9.80665002864, "TonneForce": 9.80665002864e3, "Newton": 1,
        "KiloPond": 9.80665002864, "Poundal": 0.138255027989730417, "PoundForce": 4.44822161526050956,
        "OunceForce": 2.780138509537812e-1, "ShortTonForce": 8.896443230521e3,
    },
    "length": {
        "Meter": 1, "Mile": 1609.34, "Yard": 0.9144, "Foot": 0.3048, "UsSurveyFoot": (1200, 3937), "Inch": 2.54e-2,
        "Mil": 2.54e-5, "NauticalMile": 1852, "Fathom": 1.8288, "Shackle": 27.432, "Microinch": 2.54e-8,
        "PrinterPoint": (2.54e-2, 72.27), "DtpPoint": (2.54e-2, 72), "PrinterPica": (1, 237.106301584),
        "DtpPica": (1, 236.220472441), "Twip": (1, 56692.913385826), "Hand": 1.016e-1,
        "AstronomicalUnit": 1.495978707e11, "Parsec": 3.08567758128e16, "LightYear": 9.46073047258e15,
        "SolarRadius": 6.9551e8, "Chain": 20.1168, "Angstrom": 1e-10, "DataMile": 1828.8,
    },
    "mass": {
        "Gram": 1e-3, "Tonne": 1e3, "ShortTon": 9.0718474e2, "LongTon": 1.0160469088e3, "Pound": 0.45359237,
        "Ounce": (1, 35.2739619), "Slug": (1, 6.852176556196105e-2), "Stone": (1, 0.1574731728702698),
        "ShortHundredweight": (1, 0.022046226218487758), "LongHundredweight": (1, 0.01968413055222121),
        "Grain": (1, 15432.358352941431), "SolarMass": 1.98947e30, "EarthMass": 5.9722e24,
    },
    "speed": {
        "MeterPerSecond": 1, "MeterPerMinute": (1, 60), "MeterPerHour": (1, 3600), "FootPerSecond": 0.3048,
        "FootPerMinute": (0.3048, 60), "FootPerHour": (0.3048, 3600), "UsSurveyFootPerSecond": (1200, 3937),
        "UsSurveyFootPerMinute": (20, 3937), "UsSurveyFootPerHour": (1, 11811), "InchPerSecond": 2.54e-2,
        "InchPerMinute": (2.54e-2, 60), "InchPerHour": (2.54e-2, 3600), "YardPerSecond": 0.9144,
        "YardPerMinute": (0.9144, 60), "YardPerHour": (0.9144, 3600), "Knot": 0.514444, "MilePerHour": 0.44704,
    },
    "volume": {
        "Liter": 1e-3, "CubicMeter": 1, "CubicKilometer": 1e9, "CubicHectometer": 1e6, "CubicDecimeter": 1e-3,
        "CubicCentimeter": 1e-6, "CubicMillimeter": 1e-9, "CubicMicrometer": 1e-18, "CubicMile": 4.16818182544058e9,
        "CubicYard": 0.764554858, "CubicFoot": 2.8316846592e-2, "CubicInch": 1.6387e-5,
        "ImperialGallon": 0.00454609000000181429905810072407, "ImperialOunce": 2.84130624999629e-5,
        "UsGallon": 0.00378541, "UsOunce": 2.957352956253760505e-5, "UsTablespoon": 1.478676478125e-5,
        "AuTablespoon": 2e-5, "UkTablespoon": 1.5e-5, "MetricTeaspoon": 0.5e-5, "UsTeaspoon": 4.92892159375e-6,
        "MetricCup": 0.00025, "UsCustomaryCup": 0.0002365882365, "UsLegalCup": 0.00024, "OilBarrel": 0.158987294928,
        "UsBeerBarrel": 0.1173477658, "ImperialBeerBarrel": 0.16365924, "UsQuart": 9.46352946e-4,
        "UsPint": 4.73176473e-4, "AcreFoot": (1, 0.000810714), "ImperialPint": 5.6826125e-4,
        "BoardFoot": 2.3597372158e-3,
    },
}  # fmt: skip
_PREFIXED: Final[dict[str, dict[str, str]]] = {
    "angle": {"Radian": "Nano Micro Milli Centi Deci", "Degree": "Nano Micro Milli"},
    "energy": {
        "Joule": "Milli Kilo Mega Giga", "Calorie": "Kilo Mega", "BritishThermalUnit": "Kilo Mega Giga",
        "ElectronVolt": "Kilo Mega Giga Tera", "WattHour": "Kilo Mega Giga Tera", "WattDay": "Kilo Mega Giga Tera",
        "ThermEc": "Deca", "ThermUs": "Deca", "ThermImperial": "Deca",
    },
    "force": {"Newton": "Micro Milli Deca Kilo Mega", "PoundForce": "Kilo"},
    "length": {
        "Meter": "Nano Micro Milli Centi Deci Deca Hecto Kilo", "Parsec": "Kilo Mega", "LightYear": "Kilo Mega",
    },
    "mass": {"Gram": "Nano Micro Milli Centi Deci Deca Hecto Kilo", "Tonne": "Kilo Mega", "Pound": "Kilo Mega"},
    "speed": {
        "MeterPerSecond": "Nano Micro Milli Centi Deci Kilo", "MeterPerMinute": "Nano Micro Milli Centi Deci Kilo",
        "MeterPerHour": "Milli Centi Kilo",
    },
    "volume": {
        "Liter": "Micro Milli Centi Deci Deca Hecto Kilo Mega", "CubicMeter": "Hecto Kilo",
        "CubicFoot": "Hecto Kilo Mega", "ImperialGallon": "Kilo Mega", "UsGallon": "Deca Deci Hecto Kilo Mega",
    },
}  # fmt: skip

_ZERO: Final = 273.15
_KELVINS: Final[dict[str, tuple[float, float]]] = {
    "Kelvin": (1, 0),
    "DegreeCelsius": (1, _ZERO),
    "MillidegreeCelsius": (1e-3, _ZERO),
    "DegreeDelisle": (-2 / 3, 373.15),
    "DegreeFahrenheit": (5 / 9, 459.67 * 5 / 9),
    "DegreeNewton": (100 / 33, _ZERO),
    "DegreeRankine": (5 / 9, 0),
    "DegreeReaumur": (5 / 4, _ZERO),
    "DegreeRoemer": (40 / 21, _ZERO - 7.5 * 40 / 21),
    "SolarTemperature": (5778, 0),
}
"""By how much to multiply, and then what to add, for kelvins."""


@cache
def _factors(quantity: str) -> Mapping[str, tuple[float, float, float]]:
    """What to multiply a value in each unit by, what to divide it by, and then the factor of the prefix."""
    found = {
        name: (*(factor if isinstance(factor, tuple) else (factor, 1)), 1.0)
        for name, factor in _UNITS[quantity].items()
    }
    for name, prefixes in _PREFIXED[quantity].items():
        for prefix in prefixes.split():
            found[f"{prefix}{name[0].lower()}{name[1:]}"] = (*found[name][:2], _PREFIXES[prefix])
    return found


def _known(name: str, names: Mapping[str, object]) -> bool:
    if name not in names and name.lower() in map(str.lower, names):
        raise Unanswerable(f"the unit {name!r} with capital letters of its own")
    return name in names


def _convert(quantity: str, value: float, source: str, target: str) -> float | None:
    factors = _factors(quantity)
    if not _known(source, factors) or not _known(target, factors):
        return None
    if source == target:
        return value
    (times, over, prefix), (by, per, less) = factors[source], factors[target]
    return value * times / over * prefix * per / by / less


def _convert_angle(value: float, source: str, target: str) -> float | None:
    if source == "Tilt" != target:
        return _convert("angle", math.degrees(math.asin(value)), "Degree", target)
    if target == "Tilt" != source:
        degrees = _convert("angle", value, source, "Degree")
        return None if degrees is None else math.sin(math.radians(degrees))
    return value if source == target == "Tilt" else _convert("angle", value, source, target)


def _convert_temperature(value: float, source: str, target: str) -> float | None:
    if not _known(source, _KELVINS) or not _known(target, _KELVINS):
        return None
    if source == target:
        return value
    (times, plus), (by, less) = _KELVINS[source], _KELVINS[target]
    return (value * times + plus - less) / by


def unit_functions() -> tuple[Scalar, ...]:
    """The conversions between units of measure."""
    runs: dict[str, Callable[[float, str, str], float | None]] = {
        **{quantity: partial(_convert, quantity) for quantity in _UNITS},
        "angle": _convert_angle,
        "temperature": _convert_temperature,
    }
    return tuple(Scalar(f"convert_{quantity}", (R, S, S), R, run) for quantity, run in runs.items())

"""From a symptom to its ranked causes, with the rows that prove each and those that rule it out."""

from sentinel.diagnose.causes import diagnose
from sentinel.diagnose.explain import explain

__all__ = ["diagnose", "explain"]

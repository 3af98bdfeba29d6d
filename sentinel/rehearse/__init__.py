"""Rules tried out before they are trusted: the whole chain on rows that are given, in time that is made up."""

from sentinel.rehearse.cases import CaseReport, CaseResult, run_all_cases

__all__ = ["CaseReport", "CaseResult", "run_all_cases"]

"""Symptom rules: reading, checking and evaluating them."""

from sentinel.detect.evaluate import Evaluator, WindowEvaluator
from sentinel.detect.ruleset import check_rules, default_rule_paths, load_rules

__all__ = ["Evaluator", "WindowEvaluator", "check_rules", "default_rule_paths", "load_rules"]

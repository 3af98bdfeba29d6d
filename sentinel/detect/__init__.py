"""Symptom rules: reading, checking and evaluating them."""

"""Wiring, schedule and life of the daemon."""

"""Metrics and traces, wrapped round the ports from outside."""

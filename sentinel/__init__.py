"""Sentinel: observability and troubleshooting for Azure-ML-style workloads."""

__version__ = "0.1.0"

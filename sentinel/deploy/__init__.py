"""Deployment adapters: reading and changing the settings of a target."""

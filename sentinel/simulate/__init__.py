"""The queueing model of a deployment."""

"""Where state and telemetry lie, and the only place besides the query compiler where SQL stands."""

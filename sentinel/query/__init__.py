"""KQL over the telemetry store: text → tokens → tree → typed form → SQL."""

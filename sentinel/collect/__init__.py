"""How telemetry comes in: sources, and the one normaliser behind all of them."""

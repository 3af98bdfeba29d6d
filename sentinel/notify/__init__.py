"""Telling people: channels, and the stored outbox behind them."""

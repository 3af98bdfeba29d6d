"""Plans with a computed size, the guardrails, their execution, verification and undo."""

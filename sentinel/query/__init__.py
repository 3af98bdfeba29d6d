"""KQL: from text to a bound tree to SQL of the engine at hand."""

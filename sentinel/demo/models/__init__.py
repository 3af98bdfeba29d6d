"""The scoring scripts the demo's replicas load."""

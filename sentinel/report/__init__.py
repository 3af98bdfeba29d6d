"""Read-only pictures of the store, shared by every face."""

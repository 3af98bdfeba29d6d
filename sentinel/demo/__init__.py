"""A small real serving stack to watch Sentinel on."""

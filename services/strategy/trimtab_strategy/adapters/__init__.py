"""Where the past comes from."""

"""`trimtab parity`: the live rooms against the exact engine, event for event."""

"""What the exit codes of the command mean, and those of the rooms that it starts."""

OK = 0
NO = 1
"""The question was understood and the answer is no."""
WRONG_USE = 2
NOT_RUNNING = 3

GONE = 75
"""A room: Redis is gone. No crash; it begins anew and waits."""
REPLACED = 76
"""A room: another process is this room now."""

"""The outside world of this room: the database, and the streams."""

"""The outside world of this room: the outbox on disk, and the channels."""

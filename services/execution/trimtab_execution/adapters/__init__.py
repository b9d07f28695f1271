"""The outside world of execution: the broker, its update stream, the journal, the halt file."""

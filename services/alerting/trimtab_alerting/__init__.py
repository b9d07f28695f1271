"""Turns notable events into messages to the owner."""

"""Keeps the rooms and their server running on one machine."""

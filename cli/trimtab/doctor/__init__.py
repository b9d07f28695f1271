"""Looks for everything that could keep the system from running."""

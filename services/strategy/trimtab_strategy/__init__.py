"""Turns closed rows of bars into signals."""

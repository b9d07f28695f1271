"""Turns standing signals into approved or refused orders."""

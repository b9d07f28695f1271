"""Turns a market feed into validated, stored bars and closed rows."""

"""Writes what happened into the database."""

"""Turns approved orders into broker orders and fills."""

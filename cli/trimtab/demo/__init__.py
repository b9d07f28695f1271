"""The whole system on simulated money: set, played, watched, counted."""

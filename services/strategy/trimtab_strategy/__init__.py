"""The strategy room: closed rows of bars come in, a signal for each changed target goes out."""

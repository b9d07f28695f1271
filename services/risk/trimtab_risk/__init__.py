"""The risk room: fills, bars and signals come in; approved, cancelled or refused orders go out."""

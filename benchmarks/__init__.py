"""What is fast enough, measured: every figure as a ratio to a floor or a peer of the same run."""

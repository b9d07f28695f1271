"""Where the simulator touches the network and the disk."""

"""The outside of the risk room: one file on a disk."""

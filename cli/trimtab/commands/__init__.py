"""What the owner can type: signatures and help. The work is imported when a command runs."""

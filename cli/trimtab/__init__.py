"""The command that the owner of a Trimtab types."""

"""What execution decides without sending anything: which order goes, waits, dies or is in doubt."""

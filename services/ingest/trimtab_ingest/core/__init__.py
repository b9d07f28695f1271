"""What ingest decides: which bars are believed, and when a row is complete; no I/O, no clock."""

"""The plumbing of Trimtab: streams, service life, settings, database, bar store, health."""

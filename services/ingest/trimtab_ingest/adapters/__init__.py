"""How ingest talks to Alpaca and to the simulator."""

"""An exchange that speaks Alpaca's protocols, for the demo and the tests."""

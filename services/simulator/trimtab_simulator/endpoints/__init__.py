"""What each endpoint answers, sorted as Alpaca's documentation sorts them."""

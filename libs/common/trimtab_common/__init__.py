"""The words of Trimtab: events, money, symbols, calendar."""

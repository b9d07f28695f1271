"""The thinking of Trimtab: strategies, risk rules, ledger, fills, backtest; pure."""

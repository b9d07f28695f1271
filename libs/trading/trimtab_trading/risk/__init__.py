"""Risk: from standing targets to approved orders, or to a refusal with its reason."""

"""Metrics as pure functions on NumPy arrays; what cannot be known is NaN."""

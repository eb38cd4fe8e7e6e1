"""Thresholds, the gate and the two-stage predictor."""

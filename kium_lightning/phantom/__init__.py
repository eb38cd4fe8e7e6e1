"""Synthetic patients whose truth is known, written as a cohort in the challenge's form."""

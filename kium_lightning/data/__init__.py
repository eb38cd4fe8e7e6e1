"""Cohorts on disk, the checked catalog, folding and unfolding, splits, cache and datamodules."""

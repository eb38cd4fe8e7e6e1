"""The plots of an evaluation, as SVG text that stands in a page."""

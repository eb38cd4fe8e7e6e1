"""Finds what would make a result untrue: duplicates, leaks, shortcuts, exchanged views, contradictory labels."""

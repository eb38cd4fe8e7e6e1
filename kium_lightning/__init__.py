"""Finds cerebral aneurysms in the eight still images of a patient's angiogram and names their arteries."""

__version__ = "0.1.0"

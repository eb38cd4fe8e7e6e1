"""Finds cerebral aneurysms in the eight still images of a patient's angiogram and names their arteries."""

import os

__version__ = "0.1.0"

# albumentations asks the registry for its newest version whenever it is imported, unless this is set before.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

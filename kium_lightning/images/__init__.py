"""Raw pixels to clean pixels, NumPy and OpenCV only: reading, margins, burnt-in text."""

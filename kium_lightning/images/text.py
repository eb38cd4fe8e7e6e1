"""Burnt-in text: where it is, and covering it with the mean of a neighbouring background region."""

from kium_lightning.images.box import Box, GreyImage


def find_text(image: GreyImage, picture: Box | None = None) -> list[Box]:
    """Finds burnt-in text near the border of an image.

    Args:
        image: grey values of shape (H, W).
        picture: where the picture lies between its margins; the whole image if None.
    """
    return []


def cover(image: GreyImage, box: Box) -> int:
    """Paints a box over, in place, with the mean of a neighbouring background region; returns that mean."""
    neighbour = box.moved(0, box.height if box.bottom + box.height <= image.shape[0] else -box.height)
    grey = round(float(image[neighbour.within(Box.whole(image)).slices].mean()))
    image[box.slices] = grey
    return grey

"""Covering a region with the mean of a neighbouring background region, as the report does."""

from kium_lightning.images.box import Box, GreyImage


def cover(image: GreyImage, box: Box) -> int:
    """Paints a box over, in place, with the mean of a neighbouring background region; returns that mean.

    Of the regions of the same size around the box the one with the least spread is taken: a region without vessels.
    """
    whole = Box.whole(image)
    regions = [
        box.moved(right * box.width, down * box.height).within(whole)
        for right, down in ((0, -1), (0, 1), (-1, 0), (1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
    ]
    pixels = [image[region.slices] for region in regions if not region.is_empty]
    usable = [values for values in pixels if values.size >= 0.3 * box.width * box.height] or pixels or [image]
    grey = round(float(min(usable, key=lambda values: float(values.std())).mean()))
    image[box.slices] = grey
    return grey

"""The opponent of the timings: the published pipeline as its submission describes it, written straightforwardly.

Every image is read by ``cv2.imread``, made grey, inverted and median-blurred for the presence nets, resized and
normalized by albumentations in the workers of a DataLoader, each time it is asked for. Nets compute in float32, each on
all images of its circulation, and the scores of every batch become lists.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # or it asks the registry for its version

import albumentations as A
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Dataset

Polarity = Literal["as_filmed", "inverted"]
PublishedBatch = tuple[torch.Tensor, torch.Tensor]

WORKERS = 2
BATCH_SIZE = 32
_MEDIAN_KERNEL = 3  # pixels


@dataclass(frozen=True)
class PublishedSteps:
    """What is done to an image.

    Attributes:
        size: side of the square input, pixels.
        polarity: ``inverted`` also median-blurs, as the presence nets' images were.
        interpolation: OpenCV's code; albumentations' own default is linear. Where calls are compared it is the
            project's area averaging, so that the nets see the same pixels.
    """

    size: int
    polarity: Polarity
    interpolation: int = cv2.INTER_LINEAR


class PublishedImages(Dataset[PublishedBatch]):
    """Images of files, decoded whenever they are asked for.

    Args:
        files: the images.
        labels: (images, K), 0 or 1.
        steps: what is done to them.
        mirrored: the positions of images that are flipped; the published pipeline flips none.
    """

    def __init__(
        self,
        files: Sequence[Path],
        labels: NDArray[np.float32],
        steps: PublishedSteps,
        mirrored: Iterable[int] = (),
    ) -> None:
        self._files = list(files)
        self._labels = labels
        self._steps = steps
        self._mirrored = frozenset(mirrored)
        self._transform = A.Compose(
            [
                A.Resize(steps.size, steps.size, interpolation=steps.interpolation),
                A.Normalize(mean=0.5, std=0.5, max_pixel_value=255.0),
            ]
        )

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, position: int) -> PublishedBatch:
        """An image (1, S, S) float32 in -1..1 and its labels (K,)."""
        image = cv2.imread(str(self._files[position]))
        if image is None:
            raise FileNotFoundError(self._files[position])
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if self._steps.polarity == "inverted":
            grey = cv2.medianBlur(cv2.bitwise_not(grey), _MEDIAN_KERNEL)
        if position in self._mirrored:
            grey = np.ascontiguousarray(grey[:, ::-1])
        normalized = self._transform(image=grey)["image"]
        return torch.from_numpy(normalized).unsqueeze(0), torch.from_numpy(self._labels[position])


def published_loader(
    images: PublishedImages, order: Literal["shuffled", "as_listed"], batch_size: int = BATCH_SIZE
) -> DataLoader[PublishedBatch]:
    """Loads batches in two processes."""
    return DataLoader(images, batch_size=batch_size, num_workers=WORKERS, shuffle=order == "shuffled")


def published_epoch(
    net: nn.Module,
    loader: DataLoader[PublishedBatch],
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    optimizer: torch.optim.Optimizer,
) -> list[float]:
    """Trains for an epoch in float32 and returns the loss of each batch."""
    net.train()
    losses = []
    for images, labels in loader:
        optimizer.zero_grad()
        value = loss(net(images), labels)
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(value.item())
    return losses


def published_scores(net: nn.Module, loader: DataLoader[PublishedBatch]) -> list[list[float]]:
    """Scores all images in float32: K numbers in 0..1 for each."""
    net.eval()
    scores: list[list[float]] = []
    with torch.no_grad():
        for images, _ in loader:
            scores += torch.sigmoid(net(images)).tolist()
    return scores

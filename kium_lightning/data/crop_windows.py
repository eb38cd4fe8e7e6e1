"""Where each artery's aneurysms lie in a view, as windows kept in a file.

The shipped file, ``crop_windows.json``, comes from phantoms: ``python -m kium_lightning.phantom boxes`` makes it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kium_lightning.anatomy import Artery, Circulation, Projection, Side, View
from kium_lightning.data.rows import Window
from kium_lightning.errors import ConfigError
from kium_lightning.files import write_json

SHIPPED_WINDOWS = Path(__file__).with_name("crop_windows.json")

_DIGITS = 4  # a tenth of a pixel in a 1000-pixel picture


class WindowKey(NamedTuple):
    """What a window is for: an artery in the views of an injection and a projection.

    Attributes:
        circulation: which vessel is injected.
        projection: frontal or lateral.
        artery: on the injected side.
    """

    circulation: Circulation
    projection: Projection
    artery: Artery

    @classmethod
    def of(cls, view: View, artery: Artery) -> "WindowKey":
        """The key of an artery in a view."""
        return cls(view.circulation, view.projection, artery)

    @property
    def name(self) -> str:
        """The side-less view and the artery, such as ``I-A MCA``."""
        return f"{self.circulation.letter}-{self.projection} {self.artery}"


class ArteryWindow(NamedTuple):
    """A window and what it was derived from.

    Attributes:
        window: in left-sided views; right frontal ones show its mirror image.
        sacs: how many aneurysms it was derived from.
    """

    window: Window
    sacs: int

    @property
    def share(self) -> float:
        """How much of the picture the window takes, 0 to 1."""
        left, top, right, bottom = self.window
        return (right - left) * (bottom - top)


def is_mirror_image(view: View) -> bool:
    """Whether a view, as filmed, is the mirror image of the left-sided one; a lateral view shows one profile."""
    return view.side is Side.RIGHT and view.projection is Projection.FRONTAL


def filmed(window: Window, view: View) -> Window:
    """The window, given for left-sided views, in a view as filmed."""
    return window.mirrored if is_mirror_image(view) else window


def checked_window(edges: Sequence[float]) -> Window:
    """Makes a window of its edges left, top, right, bottom.

    Raises:
        ValueError: it does not lie in the picture, or is empty.
    """
    left, top, right, bottom = (float(edge) for edge in edges)
    if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
        raise ValueError(f"({left}, {top}) to ({right}, {bottom}) are no corners of a window between 0 and 1")
    return Window(left, top, right, bottom)


@dataclass(frozen=True)
class CropWindows:
    """The windows of all arteries, with a record of how they were made.

    Attributes:
        made: how, as JSON values.
        windows: by injection, projection and artery.
    """

    made: dict[str, Any]
    windows: dict[WindowKey, ArteryWindow]

    def plain(self) -> dict[str, list[float]]:
        """The edges left, top, right, bottom by ``WindowKey.name``, as ``data.rows.windows`` gives them."""
        return {key.name: list(found.window) for key, found in self.windows.items()}

    def write(self, path: Path) -> None:
        """Writes the windows as JSON, edges rounded to four digits."""
        rows = [
            {
                **{name: str(value) for name, value in key._asdict().items()},
                "sacs": found.sacs,
                **{edge: round(value, _DIGITS) for edge, value in found.window._asdict().items()},
            }
            for key, found in self.windows.items()
        ]
        write_json(path, {"made": self.made, "windows": rows})


def read_crop_windows(path: Path = SHIPPED_WINDOWS) -> CropWindows:
    """Reads windows that ``CropWindows.write`` wrote; without a path those that come with the package.

    Raises:
        ConfigError: the file is missing or is no such file, or a window does not lie in the picture.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        windows = {
            WindowKey(Circulation(row["circulation"]), Projection(row["projection"]), Artery(row["artery"])): (
                ArteryWindow(checked_window([row[edge] for edge in Window._fields]), int(row["sacs"]))
            )
            for row in content["windows"]
        }
        made = dict(content["made"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} holds no crop windows ({error}). Make them with python -m kium_lightning.phantom boxes."
        ) from error
    return CropWindows(made, windows)

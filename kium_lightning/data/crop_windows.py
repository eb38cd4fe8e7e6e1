"""Where each artery's aneurysms lie in a view, as windows kept in a file.

The shipped file, ``crop_windows.json``, comes from phantoms: ``python -m kium_lightning.phantom boxes`` makes it.
"""

import json
from dataclasses import dataclass
from functools import cache
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


@dataclass(frozen=True)
class CropWindows:
    """The windows of all arteries, with a record of how they were made.

    Attributes:
        made: how, as JSON values.
        windows: by injection, projection and artery.
    """

    made: dict[str, Any]
    windows: dict[WindowKey, ArteryWindow]

    def of(self, view: View, artery: Artery) -> ArteryWindow:
        """The window of an artery of the injected side in the clean picture of a view, as filmed.

        Raises:
            ConfigError: there is none.
        """
        found = self.windows.get(WindowKey(view.circulation, view.projection, artery))
        if found is None:
            raise ConfigError(
                f"The crop windows have none for the {artery} in {view.code}. Make them of more phantoms with "
                "python -m kium_lightning.phantom boxes, or give data.rows.windows_file=null for the shipped ones."
            )
        return found._replace(window=found.window.mirrored) if is_mirror_image(view) else found

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


@cache
def read_crop_windows(path: Path) -> CropWindows:
    """Reads windows that ``CropWindows.write`` wrote.

    Raises:
        ConfigError: the file is missing, is no such file, or a window does not lie in the picture.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        windows = {
            WindowKey(Circulation(row["circulation"]), Projection(row["projection"]), Artery(row["artery"])): (
                ArteryWindow(Window(*(float(row[edge]) for edge in Window._fields)), int(row["sacs"]))
            )
            for row in content["windows"]
        }
        made = dict(content["made"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} holds no crop windows ({error}). Make them with python -m kium_lightning.phantom boxes, or give "
            "data.rows.windows_file=null for the shipped ones."
        ) from error
    for key, found in windows.items():
        left, top, right, bottom = found.window
        if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
            raise ConfigError(
                f"{path} gives the {key.artery} a window from ({left}, {top}) to ({right}, {bottom}). Keep its edges "
                "between 0 and 1, left before right and top before bottom."
            )
    return CropWindows(made, windows)

"""The X-ray run: where tube and detector stand, and of what kind the beam is."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, Projection, View
from kium_lightning.errors import SettingError
from kium_lightning.numbers import Checked, NotNegative, Positive, PositiveRange, Rule, pair, single, triple
from kium_lightning.phantom.beam import signal_of
from kium_lightning.phantom.curves import unit
from kium_lightning.phantom.geometry import Geometry

_TABLE = "pairs of a voltage and a number above 0, the voltages rising"


def _is_row(value: Any) -> bool:
    fits = single(above=0.0).fits
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(fits, value))


def _is_table(value: Any) -> bool:
    """Whether a value is a table of positive numbers over rising voltages."""
    if not isinstance(value, list | tuple) or not value or not all(_is_row(row) for row in value):
        return False
    return all(low[0] < high[0] for low, high in pairwise(value))


Tilt = Annotated[tuple[float, float], pair(-60.0, 60.0)]
Centre = Annotated[tuple[float, float, float], triple()]


@dataclass(frozen=True)
class Centres(Checked):
    """What the table brings into the middle of the beam, in mm: lateral to the injected side, anterior, superior.

    Attributes:
        carotid_frontal: for frontal views of a carotid injection.
        carotid_lateral: for lateral ones.
        vertebral_frontal: for frontal views of a vertebral injection.
        vertebral_lateral: for lateral ones.
    """

    carotid_frontal: Centre
    carotid_lateral: Centre
    vertebral_frontal: Centre
    vertebral_lateral: Centre

    def of(self, view: View) -> Centre:
        """The centre of a view."""
        if view.circulation is Circulation.ANTERIOR:
            return self.carotid_frontal if view.projection is Projection.FRONTAL else self.carotid_lateral
        return self.vertebral_frontal if view.projection is Projection.FRONTAL else self.vertebral_lateral


@dataclass(frozen=True)
class Xray(Checked):
    """How runs differ in geometry and beam.

    Attributes:
        source_image_mm: range of the distance from source to detector.
        magnification: range at the centre of the head.
        field_mm: range of the field of view's shorter side on the detector.
        panel_mm: the detector's longer side; a wide picture is cut from it, and shows less than ``field_mm`` of height.
        tilt_carotid_degrees: range of the cranial tilt of frontal carotid views.
        tilt_vertebral_degrees: range of the cranial tilt of frontal vertebral (Towne) views.
        angle_jitter_degrees: half-range of every angle around its nominal value.
        shift_jitter_mm: half-range of the table's position along each axis.
        centres_mm: that position without it.
        iodine_mg_per_ml: range of the iodine concentration in the artery.
        tube_kvp: range of the tube voltage.
        attenuation_per_mm: pairs of a tube voltage and what a millimetre of contrast attenuates behind a head at that
            voltage, in increasing order; between them it is interpolated.
        attenuation_mg_per_ml: the iodine in that contrast.
        hardening: by what share of itself squared an attenuation falls behind its thin-layer value.
        scatter: range of the scatter-to-primary ratio.
        focal_spot_mm: range of the focal spot's size.
        motion_px: largest way of the patient during one exposure, in pixels of a 1024-pixel picture.
        motion_exponent: the share of it is an even number from 0 to 1 to this power: mostly small above 1.
        detector_blur_px: standard deviation of the detector's blur, in pixels of the file.
        photons: range of the number of photons per full-size pixel, drawn log-uniformly.
    """

    source_image_mm: PositiveRange
    magnification: Annotated[tuple[float, float], pair(1.0)]
    field_mm: PositiveRange
    panel_mm: Positive
    tilt_carotid_degrees: Tilt
    tilt_vertebral_degrees: Tilt
    angle_jitter_degrees: Annotated[float, single(0.0, 30.0)]
    shift_jitter_mm: NotNegative
    centres_mm: Centres
    iodine_mg_per_ml: PositiveRange
    tube_kvp: PositiveRange
    attenuation_per_mm: Annotated[list[tuple[float, float]], Rule(_is_table, _TABLE)]
    attenuation_mg_per_ml: Positive
    hardening: NotNegative
    scatter: Annotated[tuple[float, float], pair(0.0)]
    focal_spot_mm: Annotated[tuple[float, float], pair(0.0)]
    motion_px: NotNegative
    motion_exponent: Positive
    detector_blur_px: Positive
    photons: PositiveRange

    def __post_init__(self) -> None:
        super().__post_init__()
        known = self.attenuation_per_mm[0][0], self.attenuation_per_mm[-1][0]
        if self.tube_kvp[0] < known[0] or self.tube_kvp[1] > known[1]:
            raise SettingError(
                "tube_kvp",
                f"is {list(self.tube_kvp)}, but attenuation_per_mm knows voltages from {known[0]:g} to {known[1]:g} "
                "alone. Keep within them, or add rows to that table.",
            )

    def iodine_per_mm(self, tube_kvp: float, iodine_mg_per_ml: float) -> float:
        """The attenuation of a thin millimetre of contrast; it is proportional to the iodine in it."""
        voltages, values = np.array(self.attenuation_per_mm, dtype=float).T
        return float(np.interp(tube_kvp, voltages, values)) * iodine_mg_per_ml / self.attenuation_mg_per_ml


@dataclass(frozen=True)
class Run:
    """The drawn circumstances of one view's run.

    Attributes:
        source_image_mm: distance from source to detector.
        magnification: at the centre of the head.
        field_mm: shorter side of the picture on the detector.
        panel_mm: but its longer side is at most this.
        axes: right, down and beam direction as rows (3, 3).
        centre: (3,) what the beam's axis passes, in mm.
        tube_kvp: tube voltage.
        iodine_mg_per_ml: in the artery.
        iodine_per_mm: attenuation of a thin millimetre of it.
        hardening: by what share of itself squared an attenuation falls behind its thin-layer value.
        scatter: scatter-to-primary ratio.
        focal_spot_mm: size of the focal spot.
        motion_px: way of the patient during an exposure, right and down, in pixels of a 1024-pixel picture.
        detector_blur_px: standard deviation of the detector's blur, in pixels of the file.
        photons: per pixel.
    """

    source_image_mm: float
    magnification: float
    field_mm: float
    panel_mm: float
    axes: NDArray[np.float64]
    centre: NDArray[np.float64]
    tube_kvp: float
    iodine_mg_per_ml: float
    iodine_per_mm: float
    hardening: float
    scatter: float
    focal_spot_mm: float
    motion_px: tuple[float, float]
    detector_blur_px: float
    photons: float

    def geometry(self, width: int, height: int) -> Geometry:
        """Source and detector for a picture of a size in pixels."""
        source = self.centre - self.source_image_mm / self.magnification * self.axes[2]
        return Geometry(source, self.axes, self.source_image_mm, self.pixel_mm(width, height), width, height)

    def pixel_mm(self, width: int, height: int) -> float:
        """Pixel pitch on the detector of a picture of a size in pixels."""
        return min(self.field_mm / min(width, height), self.panel_mm / max(width, height))

    def blur_mm(self) -> float:
        """Standard deviation of the unsharpness from the focal spot, on the detector."""
        return self.focal_spot_mm * (self.magnification - 1.0) / math.sqrt(12.0)

    def blur_px(self, width: int, height: int) -> tuple[float, float]:
        """Standard deviation of the unsharpness from focal spot and motion, right and down, in pixels of a picture."""
        spot = self.blur_mm() / self.pixel_mm(width, height)
        right, down = (way * min(width, height) / 1024.0 / math.sqrt(12.0) for way in self.motion_px)
        return math.hypot(spot, right), math.hypot(spot, down)

    def signal(self, thickness_mm: NDArray[np.float32]) -> NDArray[np.float32]:
        """The subtraction signal of a thickness of contrast (height, width)."""
        seen: NDArray[np.float32] = signal_of(thickness_mm, self.iodine_per_mm, self.hardening, self.scatter)
        return seen


def draw_run(view: View, xray: Xray, shared: np.random.Generator, own: np.random.Generator) -> Run:
    """Draws the circumstances of a view.

    Args:
        view: which injection and projection.
        xray: the distributions.
        shared: gives what is the same for all views of a patient when seeded alike.
        own: gives what differs from view to view.
    """
    source_image, magnification, field, iodine, kvp, scatter, spot = (
        float(shared.uniform(*limits))
        for limits in (
            xray.source_image_mm, xray.magnification, xray.field_mm, xray.iodine_mg_per_ml, xray.tube_kvp,
            xray.scatter, xray.focal_spot_mm,
        )
    )  # fmt: skip
    photons = float(np.exp(shared.uniform(*np.log(xray.photons))))
    lateral, anterior, superior = xray.centres_mm.of(view)
    sign = 1.0 if view.side.value == "L" else -1.0
    shift = own.uniform(-xray.shift_jitter_mm, xray.shift_jitter_mm, 3)
    centre = np.array([sign * lateral, anterior, superior]) + shift
    jitter = np.radians(own.uniform(-xray.angle_jitter_degrees, xray.angle_jitter_degrees, 3))
    is_carotid = view.circulation is Circulation.ANTERIOR
    tilt = np.radians(own.uniform(*(xray.tilt_carotid_degrees if is_carotid else xray.tilt_vertebral_degrees)))
    way, towards = xray.motion_px * own.uniform() ** xray.motion_exponent, own.uniform(0.0, 2.0 * np.pi)
    if view.projection is Projection.FRONTAL:
        beam = np.array([np.sin(jitter[0]), np.cos(tilt), np.sin(tilt)])
        up = np.array([0.0, 0.0, 1.0])
    else:
        beam = np.array([1.0, np.sin(jitter[0]), np.sin(jitter[1])])
        up = np.array([0.0, np.sin(jitter[2]), 1.0])
    beam = unit(beam)
    right = unit(np.cross(beam, up))
    return Run(
        source_image_mm=source_image,
        magnification=magnification,
        field_mm=field,
        panel_mm=xray.panel_mm,
        axes=np.vstack([right, np.cross(beam, right), beam]),
        centre=centre,
        tube_kvp=kvp,
        iodine_mg_per_ml=iodine,
        iodine_per_mm=xray.iodine_per_mm(kvp, iodine),
        hardening=xray.hardening,
        scatter=scatter,
        focal_spot_mm=spot,
        motion_px=(float(way * np.cos(towards)), float(way * np.sin(towards))),
        detector_blur_px=xray.detector_blur_px,
        photons=photons,
    )

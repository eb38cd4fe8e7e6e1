"""The X-ray run: where tube and detector stand, and what a thickness of contrast does to the beam."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, Projection, View
from kium_lightning.phantom.curves import unit
from kium_lightning.phantom.geometry import Geometry

# -ln T = a t - b t^2 at 75 kVp behind a head, 200 mg iodine per ml;
# fitted to .096 .191 .550 .886 1.655 at .5 1 3 5 10 mm
_LINEAR_PER_MM = 0.1920
_HARDENING_PER_MM2 = 0.00269
_REFERENCE_MG_PER_ML = 200.0
_LARGEST_MM = 0.9 * _LINEAR_PER_MM / (2.0 * _HARDENING_PER_MM2)  # the fit would turn round beyond its vertex
_CENTRES_MM = {  # where the table brings the head into the beam: lateral to the injected side, anterior, superior
    (Circulation.ANTERIOR, Projection.FRONTAL): (14.0, -5.0, 10.0),
    (Circulation.ANTERIOR, Projection.LATERAL): (0.0, -12.0, 10.0),
    (Circulation.POSTERIOR, Projection.FRONTAL): (0.0, -35.0, -18.0),
    (Circulation.POSTERIOR, Projection.LATERAL): (0.0, -38.0, -16.0),
}


@dataclass(frozen=True)
class Xray:
    """How runs differ in geometry and beam.

    Attributes:
        source_image_mm: range of the distance from source to detector.
        magnification: range at the centre of the head.
        field_mm: range of the field of view's shorter side on the detector.
        tilt_carotid_degrees: range of the cranial tilt of frontal carotid views.
        tilt_vertebral_degrees: range of the cranial tilt of frontal vertebral (Towne) views.
        angle_jitter_degrees: half-range of every angle around its nominal value.
        shift_jitter_mm: half-range of the table's position along each axis.
        iodine_mg_per_ml: range of the iodine concentration in the artery.
        scatter: range of the scatter-to-primary ratio.
        focal_spot_mm: range of the focal spot's size.
        photons: range of the number of photons per full-size pixel, drawn log-uniformly.
    """

    source_image_mm: tuple[float, float]
    magnification: tuple[float, float]
    field_mm: tuple[float, float]
    tilt_carotid_degrees: tuple[float, float]
    tilt_vertebral_degrees: tuple[float, float]
    angle_jitter_degrees: float
    shift_jitter_mm: float
    iodine_mg_per_ml: tuple[float, float]
    scatter: tuple[float, float]
    focal_spot_mm: tuple[float, float]
    photons: tuple[float, float]


@dataclass(frozen=True)
class Run:
    """The drawn circumstances of one view's run.

    Attributes:
        source_image_mm: distance from source to detector.
        magnification: at the centre of the head.
        field_mm: shorter side of the picture on the detector.
        axes: right, down and beam direction as rows (3, 3).
        centre: (3,) what the beam's axis passes, in mm.
        iodine_mg_per_ml: in the artery.
        scatter: scatter-to-primary ratio.
        focal_spot_mm: size of the focal spot.
        photons: per pixel.
    """

    source_image_mm: float
    magnification: float
    field_mm: float
    axes: NDArray[np.float64]
    centre: NDArray[np.float64]
    iodine_mg_per_ml: float
    scatter: float
    focal_spot_mm: float
    photons: float

    def geometry(self, width: int, height: int) -> Geometry:
        """Source and detector for a picture of a size in pixels."""
        source = self.centre - self.source_image_mm / self.magnification * self.axes[2]
        return Geometry(source, self.axes, self.source_image_mm, self.field_mm / min(width, height), width, height)

    def blur_mm(self) -> float:
        """Standard deviation of the unsharpness from the focal spot, on the detector."""
        return self.focal_spot_mm * (self.magnification - 1.0) / math.sqrt(12.0)


def draw_run(view: View, xray: Xray, shared: np.random.Generator, own: np.random.Generator) -> Run:
    """Draws the circumstances of a view.

    Args:
        view: which injection and projection.
        xray: the distributions.
        shared: gives what is the same for all views of a patient when seeded alike.
        own: gives what differs from view to view.
    """
    source_image, magnification, field = (
        float(shared.uniform(*limits)) for limits in (xray.source_image_mm, xray.magnification, xray.field_mm)
    )
    iodine, scatter, spot = (
        float(shared.uniform(*limits)) for limits in (xray.iodine_mg_per_ml, xray.scatter, xray.focal_spot_mm)
    )
    photons = float(np.exp(shared.uniform(*np.log(xray.photons))))
    lateral, anterior, superior = _CENTRES_MM[view.circulation, view.projection]
    sign = 1.0 if view.side.value == "L" else -1.0
    shift = own.uniform(-xray.shift_jitter_mm, xray.shift_jitter_mm, 3)
    centre = np.array([sign * lateral, anterior, superior]) + shift
    jitter = np.radians(own.uniform(-xray.angle_jitter_degrees, xray.angle_jitter_degrees, 3))
    is_carotid = view.circulation is Circulation.ANTERIOR
    tilt = np.radians(own.uniform(*(xray.tilt_carotid_degrees if is_carotid else xray.tilt_vertebral_degrees)))
    if view.projection is Projection.FRONTAL:
        beam = np.array([np.sin(jitter[0]), np.cos(tilt), np.sin(tilt)])
        up = np.array([0.0, 0.0, 1.0])
    else:
        beam = np.array([1.0, np.sin(jitter[0]), np.sin(jitter[1])])
        up = np.array([0.0, np.sin(jitter[2]), 1.0])
    beam = unit(beam)
    right = unit(np.cross(beam, up))
    return Run(
        source_image, magnification, field, np.vstack([right, np.cross(beam, right), beam]), centre, iodine,
        scatter, spot, photons,
    )  # fmt: skip


def attenuation(thickness_mm: NDArray[np.float32], iodine_mg_per_ml: float) -> NDArray[np.float32]:
    """The line integral -ln T of a thickness of contrast, with beam hardening, at 75 kVp.

    The fit to 200 mg/ml is used for other concentrations through the thickness that holds as much iodine.
    """
    equal = np.minimum(thickness_mm * np.float32(iodine_mg_per_ml / _REFERENCE_MG_PER_ML), np.float32(_LARGEST_MM))
    result: NDArray[np.float32] = equal * (np.float32(_LINEAR_PER_MM) - np.float32(_HARDENING_PER_MM2) * equal)
    return result


def subtraction(minus_ln_t: NDArray[np.float32], scatter: float) -> NDArray[np.float32]:
    """The subtraction signal ln(I_mask + S) - ln(I_fill + S) for scatter S over the primary beam of the mask."""
    ratio = np.float32(scatter)
    result: NDArray[np.float32] = np.log1p(ratio) - np.log(np.exp(-minus_ln_t) + ratio)
    return result

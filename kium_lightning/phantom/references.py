"""What is known of the vessels of adults: the numbers that the phantom's statistics are held against.

Calibres and lengths are from angiographic, CT and cadaver series (PMC8398484, JNIS, PMC5661707, Alastruey 2007,
Mandiola 2012, Krzyzewski 2014); trees from the public BraVa tracings of 50 adults (Wright 2013, PMC3971907), whose
radii, which magnetic resonance shows too small, are multiplied by 1.375; variants from PMC3618940, PMC3962325,
PMC7045533, Chen 2014, Ballesteros 2022 and others. A row marked ``estimate`` has no source.
"""

from dataclasses import dataclass

_MRA = 1.375  # what radii of the tracings are multiplied with


@dataclass(frozen=True)
class Known:
    """A mean that is known.

    Attributes:
        mean: in mm, degrees, a count or a ratio; of a median row, the median.
        sd: standard deviation; None where it is not known.
        is_median: whether the value is a median.
        is_estimate: whether it has no source.
    """

    mean: float
    sd: float | None = None
    is_median: bool = False
    is_estimate: bool = False


DIAMETERS: dict[str, Known] = {
    "ICA, distal cervical": Known(4.67, 0.47),
    "ICA, first intracranial": Known(4.53, 0.47),
    "ICA, cavernous": Known(5.0, 0.6),
    "ICA, terminus": Known(3.6, 0.4),
    "Ophthalmic": Known(1.3, 0.3, is_estimate=True),
    "PCOM": Known(1.22, 0.20),
    "AntChor, origin": Known(0.68, 0.31),
    "AntChor, end": Known(0.48),
    "M1": Known(3.1, 0.4),
    "M2": Known(2.4, 0.4),
    "A1": Known(2.09, 0.27),
    "A2": Known(2.4),
    "ACOM": Known(1.5, 0.22),
    "V4, dural entry": Known(3.9, 0.8),
    "V4, end": Known(2.8, 0.6),
    "BA, lower end": Known(3.6, 0.6),
    "BA, tip": Known(3.1, 0.5),
    "P1": Known(2.2, 0.4),
    "P2": Known(2.1),
    "SCA": Known(1.48, 0.42),
    "PICA": Known(1.5, 0.4, is_estimate=True),
    "AICA": Known(1.0, 0.3, is_estimate=True),
}
LENGTHS: dict[str, Known] = {
    "M1 length": Known(15.8, 1.2),
    "A1 length": Known(14.0, 1.4),
    "A2 length": Known(103.0),
    "ACOM length": Known(2.7, 0.6),
    "PCOM length": Known(12.9, 0.9),
    "AntChor length": Known(28.7, 6.3),
    "AntChor beyond the PCOM": Known(4.0, 1.2),
    "V4 length": Known(40.0, 10.6),
    "BA length": Known(28.5, 4.0),
    "P1 length": Known(6.6, 1.1),
    "P2 length": Known(86.0),
    "SCA below the tip": Known(2.6, 1.1),
    "PICA below the junction": Known(15.0, 2.9),
}


def _tree(
    totals: tuple[float, float],
    terminals: float,
    angle: tuple[float, float],
    lengths: tuple[float, float],
    tortuosities: tuple[float, float],
    radii: tuple[float, ...],
) -> dict[str, Known]:
    return {
        "total length": Known(*totals),
        "terminals": Known(terminals),
        "bifurcations": Known(terminals - 1.0),
        "bifurcation angle": Known(*angle),
        "bifurcating segment": Known(lengths[0], is_median=True),
        "terminating segment": Known(lengths[1], is_median=True),
        "tortuosity, bifurcating": Known(tortuosities[0]),
        "tortuosity, terminating": Known(tortuosities[1]),
        "thicker daughter / parent": Known(0.95),
        "thinner daughter / parent": Known(0.77),
        **{f"radius, order {order}": Known(round(_MRA * radius, 3)) for order, radius in enumerate(radii)},
    }


TREES: dict[str, dict[str, Known]] = {
    "ACA": _tree((880.0, 206.0), 13.0, (61.0, 28.0), (24.0, 33.0), (1.25, 1.51), (0.82, 0.59, 0.54, 0.51, 0.49)),
    "MCA": _tree(
        (1865.0, 293.0),
        26.5,
        (61.0, 28.0),
        (20.5, 38.0),
        (1.32, 1.71),
        (1.10, 0.80, 0.70, 0.62, 0.58, 0.54, 0.49),
    ),
    "PCA": _tree((503.0, 120.0), 9.6, (66.0, 31.0), (18.0, 30.0), (1.24, 1.57), (0.80, 0.60, 0.54, 0.50)),
}

SHARES: dict[str, float] = {
    "A1 hypoplastic or absent, without an ACOM aneurysm": 0.088,
    "A1 hypoplastic or absent, with one": 0.61,
    "hypoplastic A1 on the right": 2.5 / 3.5,
    "A1 absent": 0.004,
    "fetal PCA, complete": 0.095,
    "fetal PCA, partial": 0.151,
    "PCOM under 1 mm": 0.45,
    "VA hypoplastic": 0.11,
    "VA ends in the PICA": 0.02,
    "PICA absent": 0.065,
    "PICA duplicate": 0.057,
    "PICA from the BA": 0.24,
    "PICA with the AICA": 0.064,
    "SCA duplicate": 0.10,
    "AntChor at the bifurcation": 0.21,
    "AntChor from the PCOM": 0.02,
    "BA straight": 0.38,
    "BA convex to the right": 0.48,
    "BA convex to the left": 0.14,
    "azygos ACA": 0.015,
    "fenestration": 0.024,
}
COMPLETE_CIRCLE = (0.17, 0.37)
"""Range of the share of patients whose circle of Willis is complete."""


@dataclass(frozen=True)
class Spot:
    """A place that is known, as (lateral, anterior, superior) in mm.

    Attributes:
        mean: over the tracings.
        sd: standard deviations over their sides; None where it is not known.
        path_mm: way to it from the root of its artery, in the tracings.
    """

    mean: tuple[float, float, float]
    sd: tuple[float | None, float | None, float | None]
    path_mm: float = 0.0


LANDMARKS: dict[str, Spot] = {
    "ICA terminus": Spot((12.4, 0.0, 0.0), (1.3, 1.0, 1.1)),
    "ICA genu": Spot((11.9, 8.1, -10.4), (2.0, 2.8, 2.4)),
    "A1 end": Spot((2.4, 5.8, 3.7), (0.6, 3.9, 5.1), 16.4),
    "ACA split": Spot((1.1, 21.3, 14.5), (2.4, 8.6, 7.4), 40.0),
    "MCA bifurcation": Spot((26.1, 4.6, 2.1), (5.6, 3.8, 3.2), 18.4),
    "basilar tip": Spot((0.0, -10.8, 0.3), (None, 2.3, 3.3)),
    "basilar, 10 mm below the termini": Spot((0.0, -13.6, -10.0), (2.3, 3.0, None), 10.0),
    "basilar, 15 mm below": Spot((0.0, -14.6, -15.0), (2.3, 3.0, None), 15.0),
    "basilar, 20 mm below": Spot((0.0, -15.2, -20.0), (2.3, 3.0, None), 20.0),
    "PCA split": Spot((15.2, -31.0, 6.6), (3.7, 9.0, 5.5), 32.0),
}
TRUNKS: dict[str, dict[int, tuple[float, float, float]]] = {
    "MCA": {
        5: (16.9, 1.0, 2.5),
        10: (21.2, 2.4, 2.3),
        15: (24.8, 4.4, 1.4),
        20: (28.6, 6.5, 1.0),
        30: (35.8, 5.8, 3.7),
        40: (40.0, 1.1, 8.5),
        60: (40.7, -10.7, 19.2),
        80: (40.9, -18.8, 27.2),
        120: (56.2, -26.9, 36.6),
    },
    "ACA": {
        5: (8.4, 1.1, 4.3),
        10: (4.6, 3.1, 3.9),
        20: (1.3, 9.6, 4.5),
        30: (0.6, 14.9, 10.9),
        40: (0.7, 21.8, 15.2),
        60: (1.0, 27.9, 26.3),
        80: (1.5, 20.0, 38.9),
        100: (2.4, 8.1, 47.5),
        120: (4.5, -3.8, 54.0),
    },
    "PCA": {
        5: (9.5, -12.8, 0.4),
        10: (12.3, -15.8, 0.0),
        15: (14.5, -19.5, 0.5),
        20: (16.1, -23.3, 1.9),
        30: (16.6, -29.3, 7.4),
        40: (12.8, -34.9, 11.8),
        60: (11.2, -49.2, 16.5),
        80: (13.1, -59.7, 23.1),
        120: (10.3, -74.5, 40.2),
    },
}
"""Mean places of the main trunks by the way from their root in mm, over the tracings."""
TRUNK_SDS = {5: 2.0, 120: 20.0}
"""How the trunks spread in the tracings, from near the root to far out, mm."""
CROSSINGS: dict[str, float] = {
    "carotid to the other A2": 0.25,
    "carotid to the PCA": 0.20,
    "basilar to the carotid": 0.15,
    "reflux down the other VA": 0.50,
}
"""How often an injection reaches beyond its territory; estimates."""

"""Waypoints of the named arteries: (lateral, anterior, superior) in mm for one side; lateral is away from the midline.

The origin is the midpoint of the two ends of the internal carotid arteries. Termini, A1, MCA, ACA, PCA and basilar
waypoints are the means over 50 adults of the public BraVa tracings (Wright 2013, PMC3971907); the others are estimates.
"""

import numpy as np

from kium_lightning.phantom.curves import Points, path_lengths


def _points(*rows: tuple[float, float, float]) -> Points:
    return np.array(rows, dtype=np.float64)


ICA = _points(
    (22.0, -13.5, -170.0),
    (23.5, -12.0, -118.0),
    (25.0, -10.5, -90.0),
    (24.0, -10.5, -68.0),
    (24.4, -12.5, -52.0),
    (24.8, -14.0, -42.0),
    (24.7, -14.4, -35.0),  # it rises in the petrous bone,
    (23.4, -12.9, -30.0),  # bends at the knee,
    (19.6, -8.8, -28.4),  # runs to the front and the midline,
    (15.8, -5.4, -26.8),  # and rises above the foramen lacerum
    (14.4, -6.0, -22.4),
    (13.5, -7.9, -17.8),
    (12.8, -6.6, -14.4),  # into the cavernous sinus
    (12.2, -1.8, -13.6),
    (11.9, 3.4, -14.2),
    (11.8, 7.0, -13.0),
    (11.8, 7.7, -10.0),  # genu
    (11.9, 5.2, -7.4),
    (12.2, 1.0, -6.3),
    (12.4, -1.7, -4.4),
    (12.4, -1.3, -1.9),
    (12.4, 0.0, 0.0),
)
ICA_TERMINUS = ICA[-1]

ICA_CERVICAL, ICA_PETROUS, ICA_CAVERNOUS = 4, 7, (12, 14)  # which waypoints end or lie in these parts
ICA_SPREADS = _points(  # standard deviations of the waypoints, mm; from the foramen lacerum on those of the tracings
    *[(3.0, 3.0, 1.5)] * 5,
    *[(2.4, 2.2, 1.6)] * 5,
    (2.6, 2.2, 1.8),
    (2.4, 2.4, 2.0),
    (2.2, 2.4, 2.2),
    (2.0, 2.5, 2.3),
    *[(1.9, 2.6, 2.3)] * 4,
    (1.6, 1.9, 1.8),
    (1.4, 1.3, 1.4),
    (1.2, 1.1, 1.2),
    (1.15, 1.0, 1.1),
)

A1 = _points((12.4, 0, 0), (8.4, 1.1, 5.0), (4.6, 3.1, 4.8), (1.35, 5.8, 3.7))
ACOM_RISE, ACOM_RISE_SD = 0.568, 0.74  # in which direction from the line between the termini it lies, radians
ACA = _points(  # A2, then the callosomarginal artery: the tracings' mean trunk from 10 to 120 mm, and on
    (1.35, 5.8, 3.7),
    (1.2, 9.6, 5.0),
    (0.7, 14.9, 10.2),
    (0.7, 21.4, 15.2),
    (0.9, 26.6, 20.4),
    (1.0, 27.9, 26.3),
    (1.2, 25.5, 33.0),
    (1.5, 20.0, 38.9),
    (2.4, 8.1, 47.5),
    (4.5, -3.8, 54.0),
    (6.0, -18.0, 59.0),
    (7.0, -34.0, 60.0),
    (8.0, -48.0, 56.0),
)
PERICALLOSAL = _points(
    (1.0, 23.5, 21.5),
    (1.0, 18.5, 28.5),
    (1.0, 8.0, 32.5),
    (1.2, -8.0, 34.5),
    (1.6, -25.0, 31.5),
    (2.4, -37.0, 25.5),
    (3.0, -47.0, 24.0),
    (4.0, -52.0, 30.0),
)

M1 = _points((12.4, 0, 0), (16.9, 1.0, 2.4), (21.2, 2.4, 2.4), (24.8, 4.4, 1.6), (26.6, 5.1, 1.7))
M1_SPREADS = _points((1.2, 1.0, 1.1), (1.3, 1.3, 1.3), (1.5, 2.2, 1.9), (1.8, 3.2, 2.7), (2.0, 3.8, 3.2))
MCA_SUPERIOR = _points(  # the tracings' mean trunk from 18 to 120 mm, and on over the convexity
    (26.6, 5.1, 1.7),
    (30.5, 6.6, 2.0),
    (35.8, 5.8, 3.7),
    (40.0, 1.1, 8.5),
    (40.4, -4.5, 13.8),
    (40.7, -10.7, 19.2),
    (40.9, -18.8, 26.0),
    (46.5, -24.0, 28.5),
    (54.0, -26.5, 31.0),
    (57.5, -30.0, 38.0),
    (55.0, -38.0, 48.0),
    (47.0, -46.0, 59.0),
)
MCA_INFERIOR = _points(
    (26.6, 5.1, 1.7),
    (31.0, 4.6, -0.8),
    (36.5, 0.0, -0.6),
    (39.5, -9.0, 3.0),
    (41.0, -20.0, 8.0),
    (44.0, -30.0, 13.0),
    (51.5, -37.0, 14.0),
    (56.0, -44.0, 10.0),
    (52.0, -56.0, 9.0),
    (42.0, -68.0, 14.0),
    (36.0, -74.0, 22.0),
)

PCOM_SAG = np.array([0.1, -0.2, -1.2])  # how the posterior communicating artery bends, mm
ANTCHOR = _points(  # from the carotid's end part; the first waypoint is replaced by the origin
    (12.4, -1.6, -2.4),
    (13.0, -4.0, -2.4),
    (14.6, -9.0, -0.5),
    (17.0, -18.0, 4.0),
    (20.5, -24.0, 7.5),
    (20.0, -30.0, 10.0),
    (17.5, -35.0, 15.0),
    (18.5, -33.0, 23.0),
)
OPHTHALMIC = _points((11.8, 6.6, -8.0), (12.6, 11.0, -7.4), (15.0, 19.0, -7.6), (17.0, 30.0, -5.5), (14.5, 41.0, -3.5))

VA = _points(
    (20.0, -20.0, -200.0),
    (20.0, -22.0, -135.0),
    (20.5, -23.5, -112.0),
    (22.0, -25.0, -101.0),  # out of the axis and to the side,
    (27.0, -26.5, -93.5),
    (31.8, -27.5, -87.0),
    (33.0, -29.5, -79.0),  # up through the atlas,
    (31.2, -35.5, -72.8),
    (26.5, -41.2, -71.8),  # round it to the back and the midline,
    (21.0, -43.6, -69.8),
    (17.3, -42.2, -64.6),
    (15.2, -38.0, -58.2),  # and up through the dura
    (12.2, -32.6, -51.0),
    (8.5, -26.5, -43.0),
    (4.2, -21.0, -35.0),
    (0.6, -17.0, -28.2),
)
VA_ENTRY = 11  # which waypoint is where the vertebral artery enters the dura
VA_SPREADS = _points(*[(2.6, 2.6, 2.0)] * 11, *[(2.0, 2.0, 2.0)] * 2, *[(1.6, 1.6, 1.6)] * 3)
BEYOND_BEND_MM = 12.0  # way from the vertebral artery's most posterior point, behind the atlas, to the dura
BA = _points(
    (0, -17.0, -28.2), (0, -15.2, -20.0), (0, -14.6, -15.0), (0, -13.6, -10.0), (0, -11.6, -3.5), (0, -10.8, 0.3)
)
BA_SPREADS = _points(*[(2.3, 2.9, 3.3)] * 4, (1.6, 2.6, 3.3), (1.2, 2.3, 3.3))
P1 = _points((0, -10.8, 0.3), (3.2, -10.6, 0.8), (6.4, -11.6, 0.5))
P2 = _points(  # the tracings' mean trunk from 5 to 120 mm
    (6.4, -11.6, 0.5),
    (9.5, -12.9, 0.4),
    (12.3, -15.8, 0.0),
    (14.5, -19.5, 0.5),
    (16.1, -23.3, 1.9),
    (16.6, -29.3, 6.0),
    (13.6, -34.9, 10.5),
    (11.2, -49.2, 16.0),
    (13.1, -59.7, 22.0),
    (11.5, -68.0, 31.0),
    (10.3, -74.5, 40.2),
)
SCA = _points(
    (0, -11.9, -2.3),
    (4.0, -12.6, -2.6),
    (11.0, -17.5, -3.6),
    (17.0, -28.0, -2.0),
    (16.5, -39.0, 3.5),
    (14.0, -50.0, 8.0),
    (10.0, -62.0, 8.0),
    (8.0, -72.0, 2.0),
)
AICA = _points(
    (0, -15.3, -20.5),
    (4.0, -16.8, -22.0),
    (12.0, -20.0, -23.0),
    (19.5, -24.5, -21.5),
    (20.5, -30.0, -25.0),
    (26.0, -40.0, -27.0),
    (32.0, -50.0, -28.0),
    (36.0, -58.0, -30.0),
)
PICA = _points(
    (7.0, -24.2, -40.0),
    (12.0, -31.0, -47.5),
    (11.5, -37.0, -52.0),
    (8.0, -40.0, -47.0),
    (7.0, -44.0, -40.0),
    (6.0, -49.0, -43.5),
    (8.0, -55.0, -39.0),
    (12.0, -60.0, -32.0),
    (16.0, -66.0, -30.0),
    (20.0, -70.0, -34.0),
)
PICA_FROM_BASILAR = _points((0, -16.6, -25.5), (5.0, -19.5, -28.5), (11.0, -26.0, -36.0), (13.0, -32.0, -45.5))
PICA_WITH_AICA = _points((12.0, -20.0, -23.0), (15.5, -25.0, -28.0), (14.5, -32.0, -37.0), (13.0, -35.5, -46.5))
PICA_REST = 2  # from this waypoint on, the course of the PICA is the same wherever it comes from


def dural_entry(points: Points) -> int:
    """The index of the point where a vertebral artery (n, 3) enters the dura: beyond its bend behind the atlas."""
    along = path_lengths(points)
    bend = int(np.argmin(points[:, 1]))
    return int(np.argmin(np.abs(along - along[bend] - BEYOND_BEND_MM)))

"""Waypoints of the named arteries: (lateral, anterior, superior) in mm for one side; lateral is away from the midline.

The origin is the midpoint of the two ends of the internal carotid arteries. Termini, A1, MCA, ACA, PCA and basilar
waypoints are the means over 50 adults of the public BraVa tracings (Wright 2013, PMC3971907); the others are estimates.
"""

import numpy as np

from kium_lightning.phantom.curves import Points


def _points(*rows: tuple[float, float, float]) -> Points:
    return np.array(rows, dtype=np.float64)


ICA = _points(
    (25.0, -10.0, -84.0),
    (24.0, -10.0, -66.0),
    (24.5, -11.5, -50.0),
    (25.0, -12.5, -38.0),
    (23.5, -12.0, -30.5),
    (19.0, -9.5, -26.5),
    (15.2, -7.6, -22.5),
    (13.2, -6.6, -17.0),
    (12.4, -3.0, -12.6),
    (11.9, 3.0, -12.6),
    (11.7, 7.4, -11.6),
    (11.7, 8.0, -8.2),
    (12.0, 4.4, -5.8),
    (12.3, 0.8, -4.6),
    (12.4, -0.6, -2.4),
    (12.4, 0.0, 0.0),
)
ICA_TERMINUS = ICA[-1]

A1 = _points((12.4, 0, 0), (8.4, 1.1, 3.6), (4.6, 3.4, 3.7), (2.4, 5.8, 3.7))
A2 = _points((2.4, 5.8, 3.7), (1.5, 9.6, 4.5), (0.9, 14.9, 8.9), (1.1, 21.3, 14.5))
CALLOSOMARGINAL = _points(
    (1.1, 21.3, 14.5), (1.2, 27.0, 19.5), (1.2, 29.5, 27.0), (1.5, 25.0, 36.5), (2.2, 13.0, 45.0), (3.5, -1.0, 52.0)
)
PERICALLOSAL = _points(
    (1.1, 21.3, 14.5),
    (1.0, 23.5, 20.0),
    (1.0, 19.5, 27.5),
    (1.0, 8.0, 32.5),
    (1.2, -8.0, 34.5),
    (1.6, -25.0, 31.5),
    (2.4, -37.0, 25.5),
)

M1 = _points((12.4, 0, 0), (16.9, 1.0, 2.2), (21.2, 2.4, 2.6), (26.1, 4.6, 2.1))
M2_SUPERIOR = _points(
    (26.1, 4.6, 2.1), (30.5, 7.5, 2.6), (35.8, 6.8, 5.7), (39.2, 2.1, 11.0), (40.2, -8.7, 18.2), (41.5, -18.8, 25.2)
)
M2_INFERIOR = _points(
    (26.1, 4.6, 2.1), (30.5, 4.0, -0.6), (36.0, -1.0, -0.6), (39.5, -10.0, 3.0), (41.5, -22.0, 9.0), (44.0, -34.0, 14.0)
)

PCOM_FROM_ICA = _points((12.4, -0.4, -4.0), (12.5, -3.4, -4.6), (12.3, -8.0, -2.6))
ANTCHOR = _points(
    (12.4, -0.6, -2.6), (12.6, -3.2, -2.2), (14.6, -9.0, -0.5), (17.0, -18.0, 4.0), (20.5, -24.0, 7.5), (20.0, -30.0, 10.0)
)
OPHTHALMIC = _points((11.8, 6.6, -6.8), (12.6, 11.0, -6.4), (15.0, 19.0, -7.6), (17.0, 30.0, -5.5), (14.5, 41.0, -3.5))

VA = _points(
    (21.0, -24.0, -104.0),
    (21.5, -25.0, -92.0),
    (26.0, -27.0, -83.0),
    (30.0, -31.0, -75.0),
    (28.0, -39.5, -69.0),
    (22.0, -43.0, -65.0),
    (16.0, -38.0, -58.0),
    (10.5, -29.0, -46.5),
    (5.0, -20.5, -35.0),
    (0.6, -17.0, -28.0),
)
BA = _points((0, -17.0, -28.0), (0, -15.2, -20.0), (0, -14.6, -15.0), (0, -13.6, -10.0), (0, -11.6, -3.5), (0, -10.8, 0.3))
P1 = _points((0, -10.8, 0.3), (3.0, -10.9, 0.9), (6.2, -11.6, 0.6), (9.5, -12.8, 0.4))
P2 = _points(
    (9.5, -12.8, 0.4),
    (12.3, -15.8, 0.0),
    (14.5, -19.5, 0.5),
    (16.1, -23.3, 1.9),
    (15.6, -29.3, 6.0),
    (13.2, -35.5, 10.0),
    (11.2, -49.2, 14.5),
    (11.5, -60.0, 17.0),
)
SCA = _points(
    (0, -11.9, -2.3), (4.0, -12.6, -2.6), (11.0, -17.5, -3.6), (17.0, -28.0, -2.0), (16.5, -39.0, 3.5), (14.0, -50.0, 8.0)
)
AICA = _points(
    (0, -15.3, -20.5), (4.0, -16.8, -22.0), (12.0, -20.0, -23.0), (19.5, -24.5, -21.5), (20.5, -30.0, -25.0), (26.0, -40.0, -27.0)
)
PICA = _points(
    (9.0, -26.7, -43.0),
    (12.0, -31.0, -47.5),
    (11.5, -37.0, -52.0),
    (8.0, -40.0, -47.0),
    (7.0, -44.0, -40.0),
    (6.0, -49.0, -43.5),
    (8.0, -55.0, -39.0),
    (12.0, -60.0, -32.0),
)

# Where the branches of the hemispheres end. The names are those of the cortical arteries.
MCA_SUPERIOR_ENDS = _points(  # orbitofrontal, prefrontal, precentral, central, anterior and posterior parietal
    (0, 35, 10), (0, 33, 34), (0, 14, 60), (0, -6, 68), (0, -28, 68), (0, -48, 60)
)
MCA_INFERIOR_ENDS = _points(  # angular, temporo-occipital, posterior, middle and anterior temporal, polar
    (0, -66, 45), (0, -76, 22), (0, -60, 0), (0, -38, -10), (0, -12, -14), (0, 16, -12)
)
ACA_ENDS = _points(  # orbitofrontal, frontopolar, three internal frontal, paracentral, parietal
    (4, 40, -2), (5, 55, 16), (7, 52, 42), (9, 34, 64), (9, 10, 77), (9, -18, 79), (9, -44, 66)
)
PCA_ENDS = _points(  # anterior and posterior temporal, calcarine, parieto-occipital
    (30, -36, -8), (29, -60, -2), (9, -84, 10), (10, -76, 42)
)
SCA_ENDS = _points((8, -66, 6), (22, -62, -6))
PICA_ENDS = _points((5, -70, -20), (18, -66, -38))
AICA_ENDS = _points((36, -48, -30), (26, -54, -40))
BRAIN_CENTRE = np.array([0.0, -11.0, 27.0])
BRAIN_HALF_AXES = np.array([63.0, 71.0, 56.0])

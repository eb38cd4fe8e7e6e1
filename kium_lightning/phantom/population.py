"""How patients differ in their vessels."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Anatomy:
    """How patients differ in their vessels.

    Attributes:
        size_sd: standard deviation of the whole tree's size, as a fraction.
        calibre_sd: standard deviation of all calibres together, as a fraction.
        root_sd_mm: standard deviation of a waypoint's place near the root of an artery.
        distal_sd_mm: the same at the far end of a trunk and for the ends of cortical branches.
        tortuosity: sideways swing of distal branches over their length.
        twigs: mean number of side branches of a cortical branch.
        a1_hypoplasia: probability per patient that one A1 is hypoplastic.
        a1_hypoplasia_given_acom: the same where that patient has an aneurysm of the anterior communicating artery.
        fetal_pca_complete: probability per patient that one PCA comes from the carotid alone.
        fetal_pca_partial: probability per patient that one PCA comes mostly from the carotid.
        pcom_below_1mm: probability per side of a posterior communicating artery thinner than 1 mm.
        va_hypoplasia: probability per patient that one vertebral artery is hypoplastic.
        va_ends_in_pica: probability per patient that one vertebral artery ends in its PICA.
    """

    size_sd: float
    calibre_sd: float
    root_sd_mm: float
    distal_sd_mm: float
    tortuosity: float
    twigs: float
    a1_hypoplasia: float
    a1_hypoplasia_given_acom: float
    fetal_pca_complete: float
    fetal_pca_partial: float
    pcom_below_1mm: float
    va_hypoplasia: float
    va_ends_in_pica: float

"""How patients differ in their vessels: calibres, lengths, trees, variants and cross-filling as named parameters."""

from dataclasses import dataclass

from kium_lightning.phantom.dimensions import Diameters, Lengths, Normal


@dataclass(frozen=True)
class TreeShape:
    """How a cerebral or cerebellar artery divides.

    A segment is the vessel between two divisions (bifurcating) or between a division and an end (terminating).

    Attributes:
        terminals: mean and standard deviation of the number of ends.
        bifurcating_mm: median and standard deviation of the logarithm of a bifurcating segment's length.
        terminating_mm: the same of a terminating segment.
        bifurcating_tortuosity: mean length over chord.
        terminating_tortuosity: the same of terminating segments.
        tortuosity_sigma: standard deviation of the logarithm of the tortuosity less 1.
        angle_degrees: mean and standard deviation of the angle between two daughters.
        major_ratio: mean and standard deviation of the thicker daughter's radius over the parent's.
        minor_ratio: the same of the thinner daughter.
        least_radius_mm: radius at the middle of the thinnest segments.
    """

    terminals: Normal
    bifurcating_mm: tuple[float, float]
    terminating_mm: tuple[float, float]
    bifurcating_tortuosity: float
    terminating_tortuosity: float
    tortuosity_sigma: float
    angle_degrees: Normal
    major_ratio: Normal
    minor_ratio: Normal
    least_radius_mm: float


@dataclass(frozen=True)
class VariantRates:
    """How frequent variants are, as probabilities per patient or per side.

    Attributes:
        a1_hypoplasia: per patient without an aneurysm of the anterior communicating artery: one A1 is hypoplastic.
        a1_hypoplasia_given_acom: the same where the patient has such an aneurysm on one side.
        a1_hypoplasia_right: share of hypoplastic A1 that are right ones, 2.5 to 1.
        a1_absent: per patient: one A1 is absent.
        fetal_pca_complete: per patient: one PCA comes from the carotid alone.
        fetal_pca_partial: per patient: one PCA comes mostly from the carotid.
        pcom_below_1mm: per side: the posterior communicating artery is thinner than 1 mm.
        va_hypoplasia: per patient: one vertebral artery is hypoplastic.
        va_ends_in_pica: per patient: one vertebral artery ends in its PICA.
        pica_absent: per side.
        pica_duplicate: per side.
        pica_from_basilar: per side.
        pica_with_aica: per side: both come from the basilar artery as one trunk.
        sca_duplicate: per side.
        antchor_at_bifurcation: per side: the anterior choroidal artery leaves at the carotid's end.
        antchor_from_pcom: per side: it leaves the posterior communicating artery.
        ba_convex_right: per patient.
        ba_convex_left: per patient; the others are straight.
        azygos_aca: per patient: both A2 are one.
        fenestration: per patient: a doubled stretch of the basilar or the anterior communicating artery.
        fenestration_of_basilar: share of fenestrations that are of the basilar artery.
    """

    a1_hypoplasia: float
    a1_hypoplasia_given_acom: float
    a1_hypoplasia_right: float
    a1_absent: float
    fetal_pca_complete: float
    fetal_pca_partial: float
    pcom_below_1mm: float
    va_hypoplasia: float
    va_ends_in_pica: float
    pica_absent: float
    pica_duplicate: float
    pica_from_basilar: float
    pica_with_aica: float
    sca_duplicate: float
    antchor_at_bifurcation: float
    antchor_from_pcom: float
    ba_convex_right: float
    ba_convex_left: float
    azygos_aca: float
    fenestration: float
    fenestration_of_basilar: float


@dataclass(frozen=True)
class FillingRates:
    """How often and how strongly an injection reaches beyond its territory; probabilities per injection.

    Attributes:
        opposite_a2: through the anterior communicating artery into the other A2.
        opposite_a2_strength: range of its contrast against the injected artery's.
        posterior: through the posterior communicating artery, from the carotid to the PCA.
        posterior_strength: range of its contrast.
        carotid: the same from the basilar artery to the carotid.
        carotid_strength: range of its contrast.
        reflux: down the opposite vertebral artery.
        reflux_strength: range of its contrast.
        behind_hypoplastic_a1: contrast of an A2 from the opposite carotid when its own A1 is hypoplastic or absent.
        decay_mm: way over which distal contrast falls to 1/e.
    """

    opposite_a2: float
    opposite_a2_strength: tuple[float, float]
    posterior: float
    posterior_strength: tuple[float, float]
    carotid: float
    carotid_strength: tuple[float, float]
    reflux: float
    reflux_strength: tuple[float, float]
    behind_hypoplastic_a1: float
    decay_mm: float


@dataclass(frozen=True)
class Anatomy:
    """How patients differ in their vessels.

    Attributes:
        size_sd: standard deviation of the whole tree's size, as a fraction.
        shared_calibre: correlation between the calibres of one side's arteries.
        landmark_spread: what the known standard deviations of carotid, vertebral, basilar artery and M1 are multiplied
            with.
        root_sd_mm: standard deviation of a waypoint's place near the root of another artery.
        distal_sd_mm: by how much the far end of a trunk strays besides, 120 mm on.
        diameters_mm: of the named arteries.
        lengths_mm: of the named arteries.
        aca: tree of one anterior cerebral artery, from the end of the carotid.
        mca: tree of one middle cerebral artery, from the end of the carotid.
        pca: tree of one posterior cerebral artery, from the basilar tip.
        cerebellar: tree of a superior or posterior inferior cerebellar artery.
        variants: how frequent variants are.
        filling: how often an injection reaches beyond its territory.
    """

    size_sd: float
    shared_calibre: float
    landmark_spread: float
    root_sd_mm: float
    distal_sd_mm: float
    diameters_mm: Diameters
    lengths_mm: Lengths
    aca: TreeShape
    mca: TreeShape
    pca: TreeShape
    cerebellar: TreeShape
    variants: VariantRates
    filling: FillingRates

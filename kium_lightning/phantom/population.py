"""How patients differ in their vessels: calibres, lengths, trees, variants and cross-filling as named parameters."""

from dataclasses import dataclass
from typing import Annotated

from kium_lightning.numbers import (
    Checked,
    Normal,
    NotNegative,
    Positive,
    PositiveRange,
    Probability,
    ShareRange,
    single,
)
from kium_lightning.phantom.dimensions import Diameters, Lengths

Tortuosity = Annotated[float, single(above=1.0)]  # length over chord


@dataclass(frozen=True)
class TreeShape(Checked):
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
    bifurcating_mm: Normal
    terminating_mm: Normal
    bifurcating_tortuosity: Tortuosity
    terminating_tortuosity: Tortuosity
    tortuosity_sigma: NotNegative
    angle_degrees: Normal
    major_ratio: Normal
    minor_ratio: Normal
    least_radius_mm: Positive


@dataclass(frozen=True)
class VariantRates(Checked):
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

    a1_hypoplasia: Probability
    a1_hypoplasia_given_acom: Probability
    a1_hypoplasia_right: Probability
    a1_absent: Probability
    fetal_pca_complete: Probability
    fetal_pca_partial: Probability
    pcom_below_1mm: Probability
    va_hypoplasia: Probability
    va_ends_in_pica: Probability
    pica_absent: Probability
    pica_duplicate: Probability
    pica_from_basilar: Probability
    pica_with_aica: Probability
    sca_duplicate: Probability
    antchor_at_bifurcation: Probability
    antchor_from_pcom: Probability
    ba_convex_right: Probability
    ba_convex_left: Probability
    azygos_aca: Probability
    fenestration: Probability
    fenestration_of_basilar: Probability

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at_most_one("fetal_pca_complete", "fetal_pca_partial")
        self.at_most_one("pica_absent", "pica_duplicate", "pica_from_basilar", "pica_with_aica")
        self.at_most_one("antchor_at_bifurcation", "antchor_from_pcom")
        self.at_most_one("ba_convex_right", "ba_convex_left")


@dataclass(frozen=True)
class VariantSizes(Checked):
    """How large the vessels of a variant are; every range is drawn from evenly.

    Attributes:
        a1_hypoplastic: range of a hypoplastic A1's calibre over the usual one.
        va_hypoplastic: the same of a vertebral artery.
        va_hypoplastic_mm: a vertebral artery is hypoplastic below this diameter at its end; all others are wider.
        fetal_share: range of the share of its blood that a PCA with a partial fetal origin has from the carotid.
        pcom_fetal_mm: least diameter of the communicating artery, as that share goes from 0 to 1.
        p1_lost: share of its calibre that a P1 loses, as that share goes to 1.
        ba_curve_mm: range of how far a convex basilar artery bends to the side.
        ba_wobble_mm: how far at most a straight one does.
        ba_limb_mm: length of a fenestration of the basilar artery.
        ba_limb_start_mm: range of the way from its lower end to there.
    """

    a1_hypoplastic: ShareRange
    va_hypoplastic: ShareRange
    va_hypoplastic_mm: Positive
    fetal_share: ShareRange
    pcom_fetal_mm: PositiveRange
    p1_lost: Probability
    ba_curve_mm: PositiveRange
    ba_wobble_mm: NotNegative
    ba_limb_mm: Positive
    ba_limb_start_mm: PositiveRange


@dataclass(frozen=True)
class FillingRates(Checked):
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

    opposite_a2: Probability
    opposite_a2_strength: ShareRange
    posterior: Probability
    posterior_strength: ShareRange
    carotid: Probability
    carotid_strength: ShareRange
    reflux: Probability
    reflux_strength: ShareRange
    behind_hypoplastic_a1: Probability
    decay_mm: Positive


@dataclass(frozen=True)
class Anatomy(Checked):
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
        variant_sizes: how large their vessels are.
        filling: how often an injection reaches beyond its territory.
    """

    size_sd: NotNegative
    shared_calibre: Probability
    landmark_spread: NotNegative
    root_sd_mm: NotNegative
    distal_sd_mm: NotNegative
    diameters_mm: Diameters
    lengths_mm: Lengths
    aca: TreeShape
    mca: TreeShape
    pca: TreeShape
    cerebellar: TreeShape
    variants: VariantRates
    variant_sizes: VariantSizes
    filling: FillingRates

"""Views, sides, circulations and the 21 labelled arteries: the domain's vocabulary, in one place.

Every column name, view code and order used elsewhere comes from here. The columns and their order are those of the
K-ium 2023 challenge; which circulation an artery is judged in is the published report's choice (PCOM with the
posterior circulation).
"""

from enum import Enum, StrEnum

PRESENCE_COLUMN = "Aneurysm"
INDEX_COLUMN = "Index"


class Side(StrEnum):
    """A side of the patient; an injection into the vessel of that side."""

    LEFT = "L"
    RIGHT = "R"

    @property
    def mirrored(self) -> "Side":
        """The other side."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Circulation(StrEnum):
    """The carotid (anterior) or the vertebral (posterior) supply of the brain."""

    ANTERIOR = "anterior"
    POSTERIOR = "posterior"

    @property
    def letter(self) -> str:
        """The injection's letter in a view's code: I (internal carotid) or V (vertebral)."""
        return "I" if self is Circulation.ANTERIOR else "V"

    @property
    def arteries(self) -> tuple["Artery", ...]:
        """The arteries judged in this circulation, in the column order of the report's folded tables."""
        return _JUDGED_IN[self]

    @property
    def views(self) -> tuple["View", ...]:
        """The four views of this circulation in folded row order: L-A, L-B, R-A, R-B."""
        return tuple(view for view in View if view.circulation is self)


class Projection(StrEnum):
    """The direction of the X-rays."""

    FRONTAL = "A"
    LATERAL = "B"


class Target(StrEnum):
    """What a row is labelled with: each artery, any of them, or both."""

    MULTILABEL = "multilabel"
    BINARY = "binary"
    ALL = "all"


class Artery(StrEnum):
    """The 11 side-less arteries; the value is the challenge's name."""

    ICA = "ICA"
    PCOM = "PCOM"
    ANTCHOR = "AntChor"
    ACA = "ACA"
    ACOM = "ACOM"
    MCA = "MCA"
    VA = "VA"
    PICA = "PICA"
    SCA = "SCA"
    BA = "BA"
    PCA = "PCA"

    @property
    def circulation(self) -> Circulation:
        """The circulation whose nets judge this artery."""
        return next(circulation for circulation, arteries in _JUDGED_IN.items() if self in arteries)

    @property
    def is_midline(self) -> bool:
        """Whether there is one such artery and not one per side (the basilar artery)."""
        return self is Artery.BA

    def at(self, side: Side) -> "Location":
        """The location of this artery on a side; the basilar artery is the same location for both sides."""
        return next(location for location in Location if location.artery is self and location.side in (side, None))


_JUDGED_IN: dict[Circulation, tuple[Artery, ...]] = {
    Circulation.ANTERIOR: (Artery.ICA, Artery.ANTCHOR, Artery.ACA, Artery.ACOM, Artery.MCA),
    Circulation.POSTERIOR: (Artery.VA, Artery.PICA, Artery.SCA, Artery.BA, Artery.PCA, Artery.PCOM),
}


class View(Enum):
    """One of a patient's eight images, in the order of the sorted file names."""

    LEFT_ANTERIOR_FRONTAL = (Side.LEFT, Circulation.ANTERIOR, Projection.FRONTAL)
    LEFT_ANTERIOR_LATERAL = (Side.LEFT, Circulation.ANTERIOR, Projection.LATERAL)
    LEFT_POSTERIOR_FRONTAL = (Side.LEFT, Circulation.POSTERIOR, Projection.FRONTAL)
    LEFT_POSTERIOR_LATERAL = (Side.LEFT, Circulation.POSTERIOR, Projection.LATERAL)
    RIGHT_ANTERIOR_FRONTAL = (Side.RIGHT, Circulation.ANTERIOR, Projection.FRONTAL)
    RIGHT_ANTERIOR_LATERAL = (Side.RIGHT, Circulation.ANTERIOR, Projection.LATERAL)
    RIGHT_POSTERIOR_FRONTAL = (Side.RIGHT, Circulation.POSTERIOR, Projection.FRONTAL)
    RIGHT_POSTERIOR_LATERAL = (Side.RIGHT, Circulation.POSTERIOR, Projection.LATERAL)

    def __init__(self, side: Side, circulation: Circulation, projection: Projection) -> None:
        self.side = side
        self.circulation = circulation
        self.projection = projection

    @property
    def code(self) -> str:
        """The challenge's name of the view, such as ``LI-A``."""
        return f"{self.side}{self.circulation.letter}-{self.projection}"

    @property
    def mirrored(self) -> "View":
        """The same injection and projection on the other side."""
        return next(
            view
            for view in View
            if (view.side, view.circulation, view.projection) == (self.side.mirrored, self.circulation, self.projection)
        )

    @classmethod
    def from_code(cls, code: str) -> "View":
        """Finds the view with a code such as ``RV-B``.

        Raises:
            ValueError: no view has this code.
        """
        for view in cls:
            if view.code == code:
                return view
        raise ValueError(f"{code!r} is no view. The views are {', '.join(view.code for view in cls)}.")


class Location(Enum):
    """One of the 21 labelled arteries, in the challenge's column order."""

    LEFT_ICA = (Side.LEFT, Artery.ICA)
    RIGHT_ICA = (Side.RIGHT, Artery.ICA)
    LEFT_PCOM = (Side.LEFT, Artery.PCOM)
    RIGHT_PCOM = (Side.RIGHT, Artery.PCOM)
    LEFT_ANTCHOR = (Side.LEFT, Artery.ANTCHOR)
    RIGHT_ANTCHOR = (Side.RIGHT, Artery.ANTCHOR)
    LEFT_ACA = (Side.LEFT, Artery.ACA)
    RIGHT_ACA = (Side.RIGHT, Artery.ACA)
    LEFT_ACOM = (Side.LEFT, Artery.ACOM)
    RIGHT_ACOM = (Side.RIGHT, Artery.ACOM)
    LEFT_MCA = (Side.LEFT, Artery.MCA)
    RIGHT_MCA = (Side.RIGHT, Artery.MCA)
    LEFT_VA = (Side.LEFT, Artery.VA)
    RIGHT_VA = (Side.RIGHT, Artery.VA)
    LEFT_PICA = (Side.LEFT, Artery.PICA)
    RIGHT_PICA = (Side.RIGHT, Artery.PICA)
    LEFT_SCA = (Side.LEFT, Artery.SCA)
    RIGHT_SCA = (Side.RIGHT, Artery.SCA)
    BA = (None, Artery.BA)
    LEFT_PCA = (Side.LEFT, Artery.PCA)
    RIGHT_PCA = (Side.RIGHT, Artery.PCA)

    def __init__(self, side: Side | None, artery: Artery) -> None:
        self.side = side
        self.artery = artery

    @property
    def column(self) -> str:
        """The challenge's column name, such as ``L_AntChor`` or ``BA``."""
        return self.artery.value if self.side is None else f"{self.side}_{self.artery}"

    @property
    def circulation(self) -> Circulation:
        """The circulation whose nets judge this location."""
        return self.artery.circulation

    @property
    def mirrored(self) -> "Location":
        """The same artery on the other side; the basilar artery is its own mirror."""
        return self if self.side is None else self.artery.at(self.side.mirrored)

    @classmethod
    def from_column(cls, column: str) -> "Location":
        """Finds the location with a column name such as ``R_MCA``.

        Raises:
            ValueError: no location has this column.
        """
        for location in cls:
            if location.column == column:
                return location
        raise ValueError(f"{column!r} is no location. The columns are {', '.join(LOCATION_COLUMNS)}.")


LOCATION_COLUMNS: tuple[str, ...] = tuple(location.column for location in Location)
LABEL_COLUMNS: tuple[str, ...] = (PRESENCE_COLUMN, *LOCATION_COLUMNS)
CSV_COLUMNS: tuple[str, ...] = (INDEX_COLUMN, *LABEL_COLUMNS)


class Filling(StrEnum):
    """How often an injection brings contrast into an artery."""

    USUAL = "usual"
    VARIANT = "variant"  # only through a communicating artery, a fetal PCA or by reflux
    NEVER = "never"


# Keyed by injection; each value gives (filling from the same side's injection, from the opposite side's injection).
# Source: angiographic cross-filling as tabulated in the reference on anatomy; reflux reaches the opposite V4 and PICA.
_FILLING: dict[Circulation, dict[Artery, tuple[Filling, Filling]]] = {
    Circulation.ANTERIOR: {
        Artery.ICA: (Filling.USUAL, Filling.NEVER),
        Artery.PCOM: (Filling.USUAL, Filling.NEVER),
        Artery.ANTCHOR: (Filling.USUAL, Filling.NEVER),
        Artery.ACA: (Filling.USUAL, Filling.VARIANT),
        Artery.ACOM: (Filling.USUAL, Filling.USUAL),
        Artery.MCA: (Filling.USUAL, Filling.NEVER),
        Artery.PCA: (Filling.VARIANT, Filling.NEVER),
    },
    Circulation.POSTERIOR: {
        Artery.ICA: (Filling.VARIANT, Filling.VARIANT),
        Artery.PCOM: (Filling.VARIANT, Filling.VARIANT),
        Artery.VA: (Filling.USUAL, Filling.VARIANT),
        Artery.PICA: (Filling.USUAL, Filling.VARIANT),
        Artery.SCA: (Filling.USUAL, Filling.USUAL),
        Artery.BA: (Filling.USUAL, Filling.USUAL),
        Artery.PCA: (Filling.USUAL, Filling.USUAL),
    },
}

# Arteries that run along the rays of a projection, or lie over their own mirror image there: seen end-on or doubled.
_OVERLAPPED: dict[Projection, frozenset[Artery]] = {
    Projection.FRONTAL: frozenset({Artery.PCOM}),
    Projection.LATERAL: frozenset({Artery.MCA, Artery.ACOM}),
}


def filling(view: View, location: Location) -> Filling:
    """Tells how often the injection of a view brings contrast into a location."""
    fillings = _FILLING[view.circulation].get(location.artery)
    if fillings is None:
        return Filling.NEVER
    same, opposite = fillings
    return same if location.side in (view.side, None) else opposite


def can_show(view: View, location: Location) -> bool:
    """Tells whether a view can show a location in at least some patients."""
    return filling(view, location) is not Filling.NEVER


def is_overlapped(view: View, location: Location) -> bool:
    """Tells whether a view shows a location mostly end-on or over other vessels, so that a small sac may hide."""
    return location.artery in _OVERLAPPED[view.projection]

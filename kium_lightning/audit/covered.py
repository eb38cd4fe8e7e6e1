"""Pictures of which cleaning hid so much that it took vessels for text."""

from collections.abc import Sequence

from kium_lightning.audit.finding import Finding, Kind, Outcome, Severity, Shown
from kium_lightning.audit.parts import Folds
from kium_lightning.audit.survey import Surveyed

CHECK = "Cleaning"
_MOST = 0.2  # of an image; of 6,240 phantoms those with much text had up to 0.19 and two with hidden vessels more


def is_covered(each: Surveyed) -> bool:
    """Tells whether cleaning hid more of a picture than text takes up."""
    return _share(each) > _MOST


def check_cleaning(surveyed: Sequence[Surveyed], folds: Folds) -> Outcome:
    """Makes a finding of each picture that was covered too far; nets see these covers too."""
    findings = []
    for each in filter(is_covered, surveyed):
        owner, view = each.file.owner, each.file.view
        sentence = (
            f"Patient {owner.patient} ({folds.place(owner)}): cleaning covers {_share(each):.0%} of {view.code} as "
            "text, and may hide vessels."
        )
        remedy = (
            f"Compare {each.file.path.name} with what is left of it; replace it by a copy without text if it is so."
        )
        shown = (Shown(each.file, f"{each.file.name}, cleaned"),)
        places = folds.places([owner])
        findings.append(
            Finding(Kind.COVERED, Severity.SERIOUS, sentence, remedy, (owner.patient,), (view.code,), places, shown)
        )
    return Outcome.of(CHECK, findings, f"What cleaning covered of {len(surveyed)} pictures.")


def _share(each: Surveyed) -> float:
    return each.facts.text_pixels / (each.facts.width * each.facts.height)

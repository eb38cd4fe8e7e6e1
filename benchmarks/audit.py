"""How sure the audit is, on phantoms whose faults are known: python benchmarks/audit.py [--seeds 2023 11 12].

Makes a demo cohort of each seed (or takes those of --cohorts), then measures on the untouched ones what the checks
would say wrongly, and on altered ones what they find:

1. Duplicates: the correlation of altered copies (2 to 4 % cut off, resized, mirrored, JPEG quality 60 to 75), and the
   highest correlation of pictures that are not copies, of two patients and of one.
2. Views: findings in untouched cohorts of several sizes, and the share of planted exchanges that is found.
3. Shortcuts: findings where labels are dealt out at random, and how large an AUROC is found.
"""

import argparse
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from kium_lightning.anatomy import INDEX_COLUMN, PRESENCE_COLUMN, View
from kium_lightning.audit.covered import is_covered
from kium_lightning.audit.duplicates import LeastCorrelation
from kium_lightning.audit.finding import Kind
from kium_lightning.audit.likeness import candidates, compare
from kium_lightning.audit.metadata import summarised
from kium_lightning.audit.parts import AuditedPart, Folds, read_parts
from kium_lightning.audit.shortcuts import ProbeSettings, check_shortcuts, probe_files
from kium_lightning.audit.survey import Surveyed, small, survey
from kium_lightning.audit.swaps import check_views
from kium_lightning.audit.view_file import Owner
from kium_lightning.console import say, show, track
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.images.cleaning import clean_view
from kium_lightning.images.reading import read_grey
from kium_lightning.settings import build, compose

LEAST = LeastCorrelation(0.92, 0.95)
_PLANTED = 3  # patients of a cohort with one and the same exchange
_EXCHANGES = {
    "LI-A with RI-A": ((View.LEFT_ANTERIOR_FRONTAL, View.RIGHT_ANTERIOR_FRONTAL),),
    "LI-A and LI-B with RI-A and RI-B": (
        (View.LEFT_ANTERIOR_FRONTAL, View.RIGHT_ANTERIOR_FRONTAL),
        (View.LEFT_ANTERIOR_LATERAL, View.RIGHT_ANTERIOR_LATERAL),
    ),
    "LV-A with RV-A": ((View.LEFT_POSTERIOR_FRONTAL, View.RIGHT_POSTERIOR_FRONTAL),),
    "LI-A with LV-A": ((View.LEFT_ANTERIOR_FRONTAL, View.LEFT_POSTERIOR_FRONTAL),),
    "LI-B with LV-B": ((View.LEFT_ANTERIOR_LATERAL, View.LEFT_POSTERIOR_LATERAL),),
    "LI-A with LI-B": ((View.LEFT_ANTERIOR_FRONTAL, View.LEFT_ANTERIOR_LATERAL),),
    "RV-A with RV-B": ((View.RIGHT_POSTERIOR_FRONTAL, View.RIGHT_POSTERIOR_LATERAL),),
}


def altered(clean: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A copy as somebody might hand it in again: cut, resized, perhaps mirrored, compressed anew, then cleaned."""
    height, width = clean.shape
    left, top, right, bottom = rng.uniform(0.0, 0.04, 4)
    cut = clean[int(top * height) : height - int(bottom * height), int(left * width) : width - int(right * width)]
    scale = rng.uniform(0.6, 1.5)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    copy = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=way))
    if rng.random() < 0.3:
        copy = copy[:, ::-1]
    _, content = cv2.imencode(".jpg", np.ascontiguousarray(copy), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 76))])
    return clean_view(np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)).image


def show_duplicates(read: list[Surveyed], copies: int, rng: np.random.Generator) -> None:
    """Prints correlations of copies and of others."""
    chosen = rng.permutation(len(read))[:copies]
    pictures = [each.picture for each in read]
    pictures += [
        small(altered(clean_view(read_grey(read[place].file.path)).image, rng))
        for place in track(chosen, "altering copies", len(chosen))
    ]
    original = {len(read) + number: int(place) for number, place in enumerate(chosen)}
    found = dict.fromkeys(original, 0.0)
    others: dict[bool, list[float]] = {True: [0.0], False: [0.0]}
    proposed = candidates(pictures)
    for each in track(proposed, "comparing pictures", len(proposed)):
        correlation = compare(pictures[each.first], pictures[each.second], each).correlation
        first, second = sorted((each.first, each.second))
        if second in original:
            if original[second] == first:
                found[second] = max(found[second], correlation)
        else:
            others[read[first].file.owner == read[second].file.owner].append(correlation)
    values = np.array(list(found.values()))
    table = Table("pictures", "compared", "correlations", title=f"Duplicates among {len(read)} pictures")
    low = np.quantile(values, [0.0, 0.01, 0.05, 0.5])
    table.add_row(
        "altered copies", str(len(values)), "least {:.3f}, 1 % {:.3f}, 5 % {:.3f}, median {:.3f}".format(*low)
    )
    for least in LEAST.of_two, LEAST.of_one:
        table.add_row(f"  found from {least}", "", f"{np.mean(values >= least):.1%}")
    for is_of_one, words in ((False, "of two patients"), (True, "of one patient")):
        high = np.sort(others[is_of_one])[::-1][:4]
        table.add_row(f"no copies, {words}", str(len(others[is_of_one]) - 1), ", ".join(f"{v:.3f}" for v in high))
    show(table)


def exchanged(read: list[Surveyed], owners: set[Owner], pairs: tuple[tuple[View, View], ...]) -> list[Surveyed]:
    """The pictures with those of some patients under each other's names."""
    partner = {one: other for pair in pairs for one, other in (pair, pair[::-1])}
    return [
        replace(each, file=each.file._replace(view=partner.get(each.file.view, each.file.view)))
        if each.file.owner in owners
        else each
        for each in read
    ]


def mirrored(read: list[Surveyed], owners: set[Owner], view: View) -> list[Surveyed]:
    """The pictures with one view of some patients flipped."""
    return [
        replace(each, picture=np.ascontiguousarray(each.picture[:, ::-1]))
        if each.file.owner in owners and each.file.view is view
        else each
        for each in read
    ]


def show_views(cohorts: list[list[Surveyed]], draws: int, rng: np.random.Generator) -> None:
    """Prints false findings by the number of patients, and what is found of planted exchanges."""
    table = Table("patients", "cohorts", "pictures", "false findings", title="Views of untouched cohorts")
    pooled = [each for cohort in cohorts for each in cohort]
    owners = sorted({each.file.owner for each in pooled})
    for size in (30, 50, 100, 200, len(owners)):
        order = [owners[place] for place in rng.permutation(len(owners))]
        groups = [set(order[start : start + size]) for start in range(0, len(owners) - size + 1, size)]
        parts = [[each for each in pooled if each.file.owner in group] for group in groups]
        false = sum(len(check_views(part, Folds(), 20).findings) for part in track(parts, f"{size}", len(parts)))
        table.add_row(str(size), str(len(parts)), str(sum(map(len, parts))), str(false))
    show(table)
    plants: list[tuple[str, tuple[tuple[View, View], ...] | View]] = []
    plants += [(f"exchanged {words}", pairs) for words, pairs in _EXCHANGES.items()]
    plants += [(f"mirrored {view.code}", view) for view in list(View)[:4]]
    hits: dict[str, list[str]] = {words: [] for words, _ in plants}
    blamed = 0
    for _ in track(range(draws), "planting", draws):
        read = cohorts[int(rng.integers(len(cohorts)))]
        own = sorted({each.file.owner for each in read})
        order = [own[place] for place in rng.permutation(len(own))]
        chosen = {words: set(order[_PLANTED * n : _PLANTED * (n + 1)]) for n, (words, _) in enumerate(plants)}
        for words, plant in plants:
            group = chosen[words]
            read = mirrored(read, group, plant) if isinstance(plant, View) else exchanged(read, group, plant)
        of_patient = {owner.patient: words for words, group in chosen.items() for owner in group}
        kinds: dict[int, str] = {}
        for finding in check_views(read, Folds(), 20).findings:
            kinds[finding.patients[0]] = str(finding.kind)
        for patient, kind in kinds.items():
            if patient in of_patient:
                hits[of_patient[patient]].append(kind)
            else:
                blamed += 1
    table = Table("planted", "patients", "found", "as", title=f"Planted views; {blamed} untouched patients were blamed")
    for words, said in hits.items():
        named = ", ".join(f"{kind} {count}" for kind, count in Counter(said).most_common())
        table.add_row(words, str(draws * _PLANTED), str(len(said)), named)
    show(table)


def show_shortcuts(part: AuditedPart, read: list[Surveyed], shuffles: int, rng: np.random.Generator) -> None:
    """Prints false findings where labels are dealt out at random, and true ones where a margin follows the label."""
    settings = ProbeSettings(5, 2, 50, 0.001, 20, 0.95, 1000, 0)
    facts = {
        (each.file.owner.patient, each.file.view): each.facts for each in read if each.file.owner.part == part.name
    }
    features = summarised(part.catalog.patients, facts)
    assert part.labels is not None
    labels = part.labels.loc[features[INDEX_COLUMN]]
    false = least = 0
    for number in track(range(shuffles), "dealing out labels", shuffles):
        dealt = labels.iloc[rng.permutation(len(labels))].set_index(labels.index)
        probes = probe_files(features, dealt, replace(settings, seed=number))
        false += len(check_shortcuts(probes, settings).findings)
        least += sum(probe.p < 0.05 for probe in probes)
    say(f"labels dealt out at random: {false} of {shuffles} cohorts with a finding, {least} probes with p < 0.05")
    table = Table("margin of patients with an aneurysm", "AUROC of the probe", "p", "found", title="Shortcuts")
    for shift in (0.25, 0.5, 0.75, 1.0, 2.0):
        moved = features.copy()
        noise = rng.normal(size=len(moved))
        moved["left margin, mean"] = noise + shift * labels[PRESENCE_COLUMN].to_numpy()
        best = min(probe_files(moved, labels, settings), key=lambda probe: probe.p)
        found = any(f.kind is Kind.SHORTCUT for f in check_shortcuts([best], settings).findings)
        table.add_row(f"{shift:g} spreads wider", f"{best.auroc:.3f}", f"{best.p:.2g}", "yes" if found else "no")
    show(table)


def main() -> None:
    """Measures and prints tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=[2023, 11, 12])
    parser.add_argument("--cohorts", type=Path, nargs="*", help="folders of phantoms that are there already")
    parser.add_argument("--copies", type=int, default=300)
    parser.add_argument("--draws", type=int, default=10, help="of planted views")
    parser.add_argument("--shuffles", type=int, default=100)
    arguments = parser.parse_args()
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as name:
        folders = arguments.cohorts or [made(Path(name) / str(seed), seed) for seed in arguments.seeds]
        cohorts, parts = [], []
        for number, folder in enumerate(folders):
            parts.append(read_parts(CohortFolder(folder.absolute(), folder.name)))
            read, _ = survey([file for part in parts[-1] for file in part.files], Path(name) / "cache", None)
            # numbers of cohorts overlap
            read = [each for each in read if not is_covered(each)]  # they are findings of their own
            cohorts.append([replace(e, file=e.file._replace(owner=_numbered(e.file.owner, number))) for e in read])
        show_views(cohorts, arguments.draws, rng)
        show_duplicates([each for cohort in cohorts for each in cohort], arguments.copies, rng)
        show_shortcuts(parts[0][0], cohorts[0], arguments.shuffles, rng)


def _numbered(owner: Owner, cohort: int) -> Owner:
    return Owner(owner.part, owner.patient + 100_000 * cohort)


def made(folder: Path, seed: int) -> Path:
    """Makes a cohort of 200 and 60 patients."""
    settings = ["cohort=phantom_demo", "cohort.train_patients=200", "cohort.test_patients=60", f"cohort.seed={seed}"]
    build(compose("phantom", [*settings, f"cohort.folder={folder}"]).cohort).ensure()
    return folder


if __name__ == "__main__":
    main()

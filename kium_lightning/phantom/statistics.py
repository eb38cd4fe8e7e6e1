"""Measures many phantoms and holds them against what is known: python -m kium_lightning.phantom statistics."""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.table import Table

from kium_lightning.anatomy import Artery, Location, Side
from kium_lightning.console import say_written, show, track
from kium_lightning.errors import CohortError
from kium_lightning.files import write_text
from kium_lightning.phantom import references, territories
from kium_lightning.phantom.calibres import find, measure_calibres, measure_variants
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.graph import tree_graph
from kium_lightning.phantom.labels import CHALLENGE_SHARES, draw_labels
from kium_lightning.phantom.measures import angles, pieces_of, ratios
from kium_lightning.phantom.page import markdown, tables
from kium_lightning.phantom.patient import Distributions, draw_patient
from kium_lightning.phantom.places import measure_places, outwards
from kium_lightning.phantom.references import Known, Spot
from kium_lightning.phantom.tree import Segment, Tree
from kium_lightning.phantom.verdicts import MeanRow, PlaceRow, ShareRow, Statistics
from kium_lightning.workers import in_workers

_STREAM = 7  # sets these patients apart from those of a cohort's parts
_MEDIAN_ERROR = 1.2533  # standard error of a median over that of a mean
_LANDMARKS = "Landmarks, mm: lateral, anterior, superior"
_LEAST_SHARE = 0.05  # of the patients: so many sides must have a trunk of a length for a row about its end
_TERRITORIES = {"MCA": territories.MCA, "ACA": territories.ACA, "PCA": territories.PCA}

Measured = dict[str, list[float]]


def measure_patient(task: tuple[frozenset[Location], Distributions, tuple[int, ...]]) -> Measured:
    """Draws one patient and measures it: values by row, frequencies as 0 and 1."""
    labels, distributions, seed = task
    patient = draw_patient(labels, distributions, seed)
    tree = patient.tree
    found: Measured = defaultdict(list)
    for name, values in measure_calibres(tree).items():
        found[name] += values
    variants = measure_variants(tree)
    has_acom = sum(Artery.ACOM.at(side) in labels for side in Side)
    thin = variants.pop("A1 hypoplastic or absent")
    if has_acom < 2:  # with one on each side, neither A1 is the dominant one
        found[f"A1 hypoplastic or absent, {'with one' if has_acom else 'without an ACOM aneurysm'}"] += map(float, thin)
    if has_acom:
        variants.pop("hypoplastic A1 on the right", None)
    for name, answers in variants.items():
        found[name] += map(float, answers)
    for location in Location:
        found[location.column] = [float(location in labels)]
    found["Aneurysm"] = [float(bool(labels))]
    usual = {side: _usual(tree, side) for side in Side}
    _measure_trees(tree, usual, found)
    for name, places in measure_places(tree, usual).items():
        found[f"place {name}"] = [float(value) for place in places for value in place]
    for (_, circulation), crossing in patient.crossings.items():
        if circulation.letter == "I":
            found["carotid to the other A2"].append(float(crossing.opposite_a2 > 0.0))
            found["carotid to the PCA"].append(float(crossing.posterior > 0.0))
        else:
            found["basilar to the carotid"].append(float(crossing.posterior > 0.0))
            found["reflux down the other VA"].append(float(crossing.reflux > 0.0))
    return dict(found)


def _usual(tree: Tree, side: Side) -> frozenset[str]:
    """Which trees of a side have no variant of their stem."""
    a1, p1 = find(tree, Segment.A1, side), find(tree, Segment.P1, side)
    is_usual = {
        "MCA": True,
        "ACA": a1 is not None and find(tree, Segment.A2, side) is not None and float(a1.radii.mean()) > 0.65,
        "PCA": p1 is not None and float(p1.radii.mean()) > float(tree.branch(Segment.PCOM, side).radii[-1]),
    }
    return frozenset(artery for artery, usual in is_usual.items() if usual)


def _measure_trees(tree: Tree, usual: dict[Side, frozenset[str]], found: Measured) -> None:
    """The trees of sides without a variant of their stem."""
    graph = tree_graph(tree)
    for side in Side:
        for artery in sorted(usual[side]):
            root = pieces_of(tree, artery, side, graph)
            pieces = list(root.all())
            through = [piece for piece in pieces if piece.daughters]
            last = [piece for piece in pieces if not piece.daughters]
            high_low = ratios(root)
            for name, values in (
                ("total length", [sum(piece.length_mm for piece in pieces)]),
                ("terminals", [float(len(last))]),
                ("bifurcations", [float(len(through))]),
                ("bifurcation angle", angles(root)),
                ("bifurcating segment", [piece.length_mm for piece in through]),
                ("terminating segment", [piece.length_mm for piece in last]),
                ("tortuosity, bifurcating", [piece.tortuosity for piece in through]),
                ("tortuosity, terminating", [piece.tortuosity for piece in last]),
                ("thicker daughter / parent", [high for high, _ in high_low]),
                ("thinner daughter / parent", [low for _, low in high_low]),
            ):
                found[f"{artery} {name}"] += values
            for piece in pieces:
                found[f"{artery} radius, order {piece.order}"].append(piece.radius_mm)
            points = np.concatenate([piece.points for piece in pieces])
            points = points * outwards(side)
            place = _TERRITORIES[artery]
            inside = ((points >= place.low) & (points <= place.high)).all(axis=1)
            found[f"{artery} inside its box"].append(float(inside.mean()))


def measure(distributions: Distributions, seed: int, patients: int, workers: int | None = None) -> Statistics:
    """Draws patients as a cohort would, without rendering them, and measures their vessels.

    Args:
        distributions: what to draw from.
        seed: of everything random.
        patients: how many.
        workers: processes; None for one per core.
    """
    labels = draw_labels(patients, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM,))))
    tasks = [(of_patient, distributions, (seed, _STREAM, number)) for number, of_patient in enumerate(labels)]
    merged: Measured = defaultdict(list)
    measured = in_workers(measure_patient, tasks, workers or os.cpu_count() or 1)
    for found in track(measured, "Measuring patients", patients):
        for name, values in found.items():
            merged[name] += values
    return _held_against(merged, patients)


def _held_against(found: Measured, patients: int) -> Statistics:
    means = {
        "Diameters, mm": [_mean_row(name, name, known, found) for name, known in references.DIAMETERS.items()],
        "Lengths, mm": [_mean_row(name, name, known, found) for name, known in references.LENGTHS.items()],
    }
    for artery, rows in references.TREES.items():
        means[f"Tree of the {artery}"] = [
            _mean_row(f"{artery} {name}", f"{artery} {name}", known, found) for name, known in rows.items()
        ]

    def share(name: str, known: float) -> ShareRow:
        return ShareRow(name, (known, known), int(sum(found[name])), len(found[name]))

    variants = [share(name, known) for name, known in references.SHARES.items()]
    complete = found["circle of Willis complete"]
    variants.append(
        ShareRow("circle of Willis complete", references.COMPLETE_CIRCLE, int(sum(complete)), len(complete))
    )
    shares = {
        "Variants": variants,
        "Cross-filling": [share(name, known) for name, known in references.CROSSINGS.items()],
        "Locations": [share(name, known) for name, known in CHALLENGE_SHARES.items()],
    }
    inside = {artery: float(np.mean(found[f"{artery} inside its box"])) for artery in references.TREES}
    return Statistics(patients, means, shares, _places(found, patients), inside)


def _places(found: Measured, patients: int) -> dict[str, list[PlaceRow]]:
    """Rows of landmarks, and of trunks as far as enough of them reach."""
    tables = {_LANDMARKS: [_place_row(name, spot, found) for name, spot in references.LANDMARKS.items()]}
    for artery, trunk in references.TRUNKS.items():
        waypoints = [_place_row(*_waypoint(artery, path, mean), found) for path, mean in trunk.items()]
        least = _LEAST_SHARE * patients
        tables[f"Main trunk of the {artery}, mm"] = [row for row in waypoints if row.count >= least]
    return tables


def _waypoint(artery: str, path: int, mean: tuple[float, float, float]) -> tuple[str, Spot]:
    """The name and the reference of a trunk's place at a way from its root."""
    sd = references.TRUNK_SDS.get(path)
    return f"{artery} at {path} mm", Spot(mean, (sd, sd, sd), path)


def _place_row(name: str, known: Spot, found: Measured) -> PlaceRow:
    places = np.reshape(found[f"place {name}"], (-1, 3))
    if len(places) < 2:
        return PlaceRow(name, known, np.full(3, np.nan), np.full(3, np.nan), len(places))
    return PlaceRow(name, known, places.mean(axis=0), places.std(axis=0, ddof=1), len(places))


def _mean_row(name: str, key: str, known: Known, found: Measured) -> MeanRow:
    values = np.asarray(found[key])
    middle = float(np.median(values) if known.is_median else values.mean())
    sd = float(values.std(ddof=1))
    error = sd / np.sqrt(len(values)) * (_MEDIAN_ERROR if known.is_median else 1.0)
    return MeanRow(name, known, middle, sd, float(error), len(values))


def main(cohort: PhantomCohort, seed: int, patients: int, file: Path, workers: int | None = None) -> None:
    """Prints the statistics of a cohort's distributions and writes them as Markdown.

    Args:
        cohort: whose distributions are measured.
        seed: of the patients.
        patients: how many to draw.
        file: where to write.
        workers: processes; None for one per core.

    Raises:
        CohortError: a row does not hold.
    """
    statistics = measure(cohort.distributions, seed, patients, workers)
    for title, columns, rows in tables(statistics):
        table = Table(title=title, title_justify="left")
        for column in columns:
            table.add_column(column, justify="left" if column == columns[0] else "right")
        for row in rows:
            table.add_row(*row)
        show(table)
    write_text(file, markdown(statistics, seed))
    say_written([file])
    if statistics.failed:
        raise CohortError(
            f"{len(statistics.failed)} of the phantoms' statistics not within the tolerance of what is known: "
            f"{', '.join(statistics.failed)}. Change anatomy: in the cohort's settings, or measure more patients."
        )

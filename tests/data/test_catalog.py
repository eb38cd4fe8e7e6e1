from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import CSV_COLUMNS, LOCATION_COLUMNS, View
from kium_lightning.data.catalog import read_catalog
from kium_lightning.errors import CohortError

PATIENTS = (1001, 1002, 1004)
Row = dict[str, str]


def rows_of(*patients: int) -> list[Row]:
    rows = [{"Index": str(patient)} | dict.fromkeys(CSV_COLUMNS[1:], "0") for patient in patients]
    rows[1] |= {"Aneurysm": "1", "L_MCA": "1", "BA": "1"}
    return rows


def csv_text(rows: list[Row], delimiter: str = ",", end: str = "\n") -> str:
    lines = [delimiter.join(rows[0]), *(delimiter.join(row.values()) for row in rows)]
    return end.join(lines) + end


@pytest.fixture
def cohort(tmp_path: Path) -> tuple[Path, Path]:
    done, content = cv2.imencode(".jpg", np.random.default_rng(0).integers(150, 220, (40, 40)).astype(np.uint8))
    assert done
    for patient in PATIENTS:
        for view in View:
            (tmp_path / f"{patient}{view.code}.jpg").write_bytes(content.tobytes())
    csv = tmp_path / "train.csv"
    csv.write_text(csv_text(rows_of(*PATIENTS)))
    return tmp_path, csv


def test_catalog_keeps_order_labels_and_all_images(cohort: tuple[Path, Path]) -> None:
    catalog = read_catalog(*cohort)
    assert catalog.patients == PATIENTS
    assert tuple(catalog.table.columns) == CSV_COLUMNS
    assert set(map(str, catalog.table.dtypes)) == {"int64"}
    assert catalog.table[["Aneurysm", "L_MCA", "BA"]].to_numpy()[1].tolist() == [1, 1, 1]
    assert int(catalog.table[list(LOCATION_COLUMNS)].to_numpy().sum()) == 2
    assert set(catalog.images) == {(patient, view) for patient in PATIENTS for view in View}
    assert catalog.dropped == ()


def test_subset_keeps_the_table_order_and_refuses_strangers(cohort: tuple[Path, Path]) -> None:
    catalog = read_catalog(*cohort)
    part = catalog.subset([1004, 1001])
    assert part.patients == (1001, 1004)
    assert {patient for patient, _ in part.images} == {1001, 1004}
    with pytest.raises(CohortError, match="1003"):
        catalog.subset([1003])


EXCEL: dict[str, Callable[[list[Row]], bytes]] = {
    "byte-order mark": lambda rows: b"\xef\xbb\xbf" + csv_text(rows).encode(),
    "crlf": lambda rows: csv_text(rows, end="\r\n").encode(),
    "blank lines": lambda rows: csv_text(rows).replace("\n", "\n\n").encode() + b"," * 22 + b"\n",
    "semicolons": lambda rows: csv_text(rows, delimiter=";").encode(),
    "tabs": lambda rows: csv_text(rows, delimiter="\t").encode(),
    "floats": lambda rows: csv_text([{k: f"{v}.0" for k, v in row.items()} for row in rows]).encode(),
    "spaces": lambda rows: csv_text(rows, delimiter=" , ").encode(),
    "empty columns": lambda rows: csv_text(rows).replace("\n", ",,\n").encode(),
    "column order": lambda rows: csv_text([dict(reversed(row.items())) for row in rows]).encode(),
}


@pytest.mark.parametrize("quirk", EXCEL)
def test_what_excel_does_changes_nothing(cohort: tuple[Path, Path], quirk: str) -> None:
    folder, csv = cohort
    expected = read_catalog(folder, csv).table
    csv.write_bytes(EXCEL[quirk](rows_of(*PATIENTS)))
    assert read_catalog(folder, csv).table.equals(expected)


def spoil(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


def image_faults(folder: Path) -> list[tuple[str, str]]:
    """Spoils one image in each way; returns what the table must name."""
    good = (folder / "1001LI-A.jpg").read_bytes()
    spoil(folder, "1001LI-A.jpg", good[: len(good) // 2])
    spoil(folder, "1001LI-B.jpg", b"")
    spoil(folder, "1001LV-A.jpg", b"no image at all")
    (folder / "1001LV-B.jpg").unlink()
    spoil(folder, "1001RI-A.PNG", good)
    spoil(folder, "1001LX-A.jpg", good)
    spoil(folder, "1009LI-A.jpg", good)
    spoil(folder, "holiday.jpg", good)
    names = [("1001LI-A.jpg", "cut off"), ("1001LI-B.jpg", "empty"), ("1001LV-A.jpg", "neither"), ("LV-B", "missing")]
    names += [("1001RI-A.PNG", "twice"), ("1001LX-A.jpg", "no known view"), ("1009LI-A.jpg", "no patient")]
    return [*names, ("holiday.jpg", "not named")]


def test_every_fault_is_told_at_once(cohort: tuple[Path, Path]) -> None:
    folder, csv = cohort
    wanted = image_faults(folder)
    rows = rows_of(1001, 1002, 1002, 1004)
    rows[1]["Aneurysm"] = "0"
    rows[3]["R_VA"] = ""
    csv.write_text(csv_text(rows))
    with pytest.raises(CohortError) as error:
        read_catalog(folder, csv)
    message = str(error.value)
    lines = message.splitlines()
    for subject, fault in [*wanted, ("1002", "in 2 rows"), ("1002", "locations are 1"), ("1004", "R_VA is empty")]:
        assert any(subject in line and fault in line for line in lines), (subject, fault, message)


def test_dropping_leaves_out_the_faulty_and_lists_them(cohort: tuple[Path, Path]) -> None:
    folder, csv = cohort
    image_faults(folder)
    catalog = read_catalog(folder, csv, on_fault="drop")
    assert catalog.patients == (1002, 1004)
    assert {patient for patient, _ in catalog.images} == {1002, 1004}
    assert {fault.patient for fault in catalog.dropped} == {1001, 1009, None}


def test_dropping_everyone_stops(cohort: tuple[Path, Path]) -> None:
    folder, csv = cohort
    for patient in PATIENTS:
        (folder / f"{patient}LI-A.jpg").unlink()
    with pytest.raises(CohortError, match="Every patient"):
        read_catalog(folder, csv, on_fault="drop")


LOST_VIEWS = {View.LEFT_ANTERIOR_FRONTAL: None, View.RIGHT_ANTERIOR_LATERAL: b"", View.LEFT_POSTERIOR_FRONTAL: b"text"}


def lose_views(folder: Path, patient: int, lost: Mapping[View, bytes | None]) -> None:
    """Removes images, or puts something else in their place."""
    for view, content in lost.items():
        path = folder / f"{patient}{view.code}.jpg"
        path.unlink()
        if content is not None:
            path.write_bytes(content)


def test_masking_leaves_out_lost_views_and_lists_them(cohort: tuple[Path, Path]) -> None:
    folder, csv = cohort
    whole = read_catalog(folder, csv)
    lose_views(folder, 1002, LOST_VIEWS)
    masked = read_catalog(folder, csv, on_fault="mask")
    assert masked.table.equals(whole.table)
    expected = {key: path for key, path in whole.images.items() if key not in {(1002, view) for view in LOST_VIEWS}}
    assert masked.images == expected
    assert {(fault.patient, fault.view) for fault in masked.dropped} == {(1002, view.code) for view in LOST_VIEWS}


def test_masking_a_faultless_cohort_is_reading_it(cohort: tuple[Path, Path]) -> None:
    whole, masked = read_catalog(*cohort), read_catalog(*cohort, on_fault="mask")
    assert (masked.patients, masked.images, masked.dropped) == (whole.patients, whole.images, ())


@pytest.mark.parametrize("content", [None, b"text"])
def test_masking_stops_at_a_patient_of_whom_no_view_is_left(cohort: tuple[Path, Path], content: bytes | None) -> None:
    folder, csv = cohort
    lose_views(folder, 1002, {view: content if place else None for place, view in enumerate(View)})
    lose_views(folder, 1004, LOST_VIEWS)
    with pytest.raises(CohortError, match=r"have 1 fault\.") as error:
        read_catalog(folder, csv, on_fault="mask")
    assert [line.split()[0] for line in str(error.value).splitlines()[1:]] == ["patient", "1002"]


@pytest.mark.parametrize("name", ["1001RI-A.PNG", "1001LX-A.jpg", "1009LI-A.jpg", "holiday.jpg"])
def test_masking_stops_at_a_file_that_should_not_be_there(cohort: tuple[Path, Path], name: str) -> None:
    folder, csv = cohort
    spoil(folder, name, (folder / "1001LI-A.jpg").read_bytes())
    with pytest.raises(CohortError, match=r"have 1 fault\."):
        read_catalog(folder, csv, on_fault="mask")


def test_masking_stops_at_a_faulty_label(cohort: tuple[Path, Path]) -> None:
    folder, csv = cohort
    lose_views(folder, 1002, LOST_VIEWS)
    rows = rows_of(*PATIENTS)
    rows[0]["L_PICA"] = "2"
    csv.write_text(csv_text(rows))
    with pytest.raises(CohortError, match=r"have 1 fault\..*\n.*\n1001 .*L_PICA"):
        read_catalog(folder, csv, on_fault="mask")


@pytest.mark.parametrize("label", ["2", "-1", "0.5", "yes", "", "nan", "1e9"])
def test_a_label_is_0_or_1(cohort: tuple[Path, Path], label: str) -> None:
    folder, csv = cohort
    rows = rows_of(*PATIENTS)
    rows[2]["L_PICA"] = label
    csv.write_text(csv_text(rows))
    with pytest.raises(CohortError, match="L_PICA"):
        read_catalog(folder, csv)
    assert read_catalog(folder, csv, on_fault="drop").patients == (1001, 1002)


@pytest.mark.parametrize(("row", "presence"), [(0, "1"), (1, "0")])
def test_presence_agrees_with_the_locations(cohort: tuple[Path, Path], row: int, presence: str) -> None:
    folder, csv = cohort
    rows = rows_of(*PATIENTS)
    rows[row]["Aneurysm"] = presence
    csv.write_text(csv_text(rows))
    with pytest.raises(CohortError, match=f"(?m)^{PATIENTS[row]} .*Aneurysm is {presence}"):
        read_catalog(folder, csv)


@pytest.mark.parametrize("on_fault", ["stop", "drop"])
@pytest.mark.parametrize("content", ["", "Index\n1\n", csv_text(rows_of(1, 2)).replace("BA", "Basilar", 1), "\n\n"])
def test_a_fault_of_the_whole_table_always_stops(cohort: tuple[Path, Path], content: str, on_fault: str) -> None:
    folder, csv = cohort
    csv.write_text(content)
    with pytest.raises(CohortError):
        read_catalog(folder, csv, on_fault="drop" if on_fault == "drop" else "stop")


def test_an_image_mended_after_a_check_is_seen(cohort: tuple[Path, Path]) -> None:
    folder, csv = cohort
    path = folder / "1002RV-B.jpg"
    good = path.read_bytes()
    path.write_bytes(good[:100])
    with pytest.raises(CohortError, match="1002RV-B"):
        read_catalog(folder, csv)
    path.write_bytes(good)
    assert read_catalog(folder, csv).patients == PATIENTS


def test_letter_case_of_the_suffix_does_not_matter(cohort: tuple[Path, Path]) -> None:
    folder, csv = cohort
    (folder / "1001LI-A.jpg").rename(folder / "1001LI-A.JPEG")
    assert read_catalog(folder, csv).images[1001, View.LEFT_ANTERIOR_FRONTAL].name == "1001LI-A.JPEG"

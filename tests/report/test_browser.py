"""The page in a real browser: it asks for nothing, fits its window, and prints."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from simulated_answer import simulate

from kium_lightning.anatomy import LOCATION_COLUMNS, View
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.report.context import Context, Source
from kium_lightning.report.evaluation import evaluate_answer
from kium_lightning.report.page import evaluation_page
from kium_lightning.report.provenance import Net, Provenance
from kium_lightning.report.reading import read_judged
from kium_lightning.report.sizes import Aneurysm, sensitivity_by_size
from kium_lightning.report.thumbnails import thumbnail
from kium_lightning.report.worst import Pictures, find_worst

if TYPE_CHECKING:
    from playwright.sync_api import Browser

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every section filled."""
    folder = tmp_path_factory.mktemp("page")
    run = simulate(folder)
    judged = read_judged(run.answer, run.groundtruth, run.scores)
    evaluation = evaluate_answer(judged, level=0.95, draws=50, seed=0)
    rows, columns = np.nonzero(judged.locations)
    aneurysms = [
        Aneurysm(int(judged.patients[row]), LOCATION_COLUMNS[column], 2.0 + row % 15)
        for row, column in zip(rows, columns, strict=True)
    ]
    worst = find_worst(judged, 2)
    grey = np.add.outer(np.arange(300) % 200, np.arange(400) % 50).astype(np.uint8)
    views = {(patient, view): thumbnail(grey) for patient in worst.patients for view in View}
    nets = tuple(
        Net("anterior presence", "a_rather_long_name_of_a_net", f"sweeps/{'x' * 90}/best.ckpt", "0" * 16, fold)
        for fold in range(3)
    )
    context = Context(
        sizes=sensitivity_by_size(judged, aneurysms, 0.95),
        worst=worst,
        pictures=Pictures(views, views, ["A note."]),
        provenance=Provenance(nets, (("versions", "python 3.11, " * 20),)),
    )
    source = Source(
        "phantom",
        Path("predict/now/output.csv"),
        Path("truth.csv"),
        "2023-10-01",
        Thresholds.load(run.folder / "thresholds.json"),
    )
    path = folder / "evaluation.html"
    path.write_text(evaluation_page(judged, evaluation, source, context), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
        opened = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_without_requests_or_errors_and_fits_the_window(
    browser: "Browser", page_file: Path, width: int
) -> None:
    errors: list[str] = []
    requests: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri(), wait_until="networkidle")

    shown = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    broken = page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")
    pictures = page.evaluate("document.images.length")
    page.close()

    assert errors == []
    assert [url for url in requests if not url.startswith("data:")] == [page_file.as_uri()]
    assert shown[0] <= shown[1] == width
    assert pictures == 4 * 2 * 8
    assert broken == 0


def test_the_page_prints(browser: "Browser", page_file: Path, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1000})  # what A4 leaves between its margins, in CSS pixels
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.emulate_media(media="screen")
    printed = page.pdf(path=str(tmp_path / "page.pdf"), format="A4")
    page.close()

    assert wide <= 695
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") >= 3


def test_every_entry_of_the_contents_leads_somewhere(browser: "Browser", page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    dead = page.evaluate("[...document.querySelectorAll('nav a')].filter(a => !document.querySelector(a.hash)).length")
    links = page.evaluate("document.querySelectorAll('nav a').length")
    page.close()
    assert (links, dead) == (11, 0)

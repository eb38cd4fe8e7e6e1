from pathlib import Path

import numpy as np
import pytest

from kium_lightning.anatomy import View
from kium_lightning.audit.covered import check_cleaning
from kium_lightning.audit.file_facts import FileFacts
from kium_lightning.audit.finding import Kind
from kium_lightning.audit.parts import Folds
from kium_lightning.audit.survey import Surveyed
from kium_lightning.audit.view_file import Owner, ViewFile


@pytest.mark.parametrize(("text_pixels", "kinds"), [(0.0, []), (1_900.0, []), (2_100.0, [Kind.COVERED])])
def test_only_a_picture_that_cleaning_hides_by_more_than_a_fifth_is_found(
    text_pixels: float, kinds: list[Kind]
) -> None:
    facts = FileFacts(9_000.0, 0.9, 100.0, 100.0, 1.0, 90.0, 0.0, 0.0, 0.0, 0.0, text_pixels)
    file = ViewFile(Owner("train_set", 1001), View.LEFT_ANTERIOR_FRONTAL, Path("1001LI-A.jpg"))
    picture = np.zeros((128, 128), np.uint8)
    outcome = check_cleaning([Surveyed(file, facts, "", picture)], Folds())
    assert [finding.kind for finding in outcome.findings] == kinds

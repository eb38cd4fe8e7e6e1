import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from kium_lightning.audit import held_out as module
from kium_lightning.audit.held_out import held_out


def by_scikit_learn(
    features: NDArray[np.float64], targets: NDArray[np.float64], patients: NDArray[np.int64]
) -> NDArray[np.float64]:
    values = np.full(len(features), np.nan)
    is_odd = bool((targets == 1).all())
    for part in range(5):
        judged = patients % 5 == part
        known = features[~judged]
        centred = known if is_odd else known - known.mean(axis=0)
        penalty = 0.3 * (centred**2).sum() / len(known)
        model = Ridge(penalty, fit_intercept=not is_odd).fit(known, targets[~judged])
        values[judged] = model.predict(features[judged])
    return values


@pytest.mark.parametrize("rows", [20, 60, 500])  # fewer than features, and more
@pytest.mark.parametrize("is_odd", [False, True])
def test_values_are_those_of_scikit_learns_ridge_without_the_patient(
    rows: int, is_odd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 64)
    rng = np.random.default_rng(rows)
    everything = rng.normal(size=(2 * rows, 40)) + 1.0
    places = rng.permutation(2 * rows)[:rows]
    targets = np.ones(rows) if is_odd else np.sign(everything[places, 0] - 1.0 + rng.normal(size=rows))
    patients = rng.integers(rows // 2, size=rows)
    values = held_out(lambda asked: everything[asked], places, targets, patients)
    np.testing.assert_allclose(values, by_scikit_learn(everything[places], targets, patients), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("rows", [20, 500])
def test_a_patient_without_others_is_unknown(rows: int) -> None:
    features = np.random.default_rng(0).normal(size=(rows, 40))
    values = held_out(lambda asked: features[asked], np.arange(rows), np.ones(rows), np.full(rows, 5))
    assert np.isnan(values).all()

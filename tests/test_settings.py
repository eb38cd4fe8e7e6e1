import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from kium_lightning import settings
from kium_lightning.errors import ConfigError, ImageError, KiumError, SplitError
from kium_lightning.settings import build, compose, conf_dir, outputs_dir, plain, verb


@dataclass
class Holder:
    """A target whose arguments are kept as they came."""

    value: Any = None
    children: list[Any] = field(default_factory=list)


def refuse(value: int = 0) -> None:
    raise SplitError(f"value {value} is wrong. Choose another.")


def target(name: str, **arguments: Any) -> DictConfig:
    return OmegaConf.create({"_target_": f"{__name__}.{name}", **arguments})


def test_outputs_go_where_the_environment_says_and_are_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIUM_OUTPUTS", "some/where")
    assert outputs_dir() == tmp_path / "some" / "where"
    assert compose("train").cohort.outputs == str(tmp_path / "some" / "where")
    monkeypatch.setenv("KIUM_OUTPUTS", "~/runs")
    assert outputs_dir() == Path.home() / "runs"


def test_outputs_of_a_checkout_stay_in_it_whatever_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KIUM_OUTPUTS")
    assert outputs_dir() == Path(settings.__file__).parents[1] / "outputs"


def test_an_installed_package_brings_its_configuration_and_writes_to_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = tmp_path / "site-packages" / "kium_lightning"
    (installed / "conf").mkdir(parents=True)
    monkeypatch.setattr(settings, "_PACKAGE", installed)
    monkeypatch.delenv("KIUM_OUTPUTS")
    monkeypatch.chdir(tmp_path)
    assert conf_dir() == installed / "conf"
    assert outputs_dir() == tmp_path / "outputs"


def test_an_override_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="modle"):
        compose("train", ["modle=swin_anterior"])
    with pytest.raises(ConfigError, match="swin_antererior"):
        compose("train", ["model=swin_antererior"])


def test_build_gives_constructors_plain_python_containers() -> None:
    built = build(target("Holder", value={"a": [1, 2]}, children=[target("Holder", value=3)]))
    assert type(built.value) is dict
    assert type(built.value["a"]) is list
    assert type(built.children) is list
    assert built.children == [Holder(3)]


def test_build_takes_arguments_that_are_not_configuration() -> None:
    thing = object()
    assert build(target("Holder"), value=thing).value is thing


def test_an_error_of_a_constructor_comes_out_undisguised_from_any_depth() -> None:
    nested = target("Holder", value=target("Holder", value=target("refuse", value=7)))
    with pytest.raises(SplitError, match=r"^value 7 is wrong\. Choose another\.$"):
        build(nested)


@pytest.mark.parametrize(
    "wrong", [target("Nobody"), target("Holder", colour="blue"), OmegaConf.create({"_target_": "nowhere.Nobody"})]
)
def test_a_target_that_cannot_be_built_is_a_fault_of_the_configuration(wrong: DictConfig) -> None:
    with pytest.raises(ConfigError, match=r"Nobody|colour"):
        build(wrong)


def test_a_plain_config_holds_no_interpolation() -> None:
    config = OmegaConf.create({"a": 1, "b": "${a}", "c": {"d": ["${b}"]}, "e": None})
    assert plain(config) == {"a": 1, "b": 1, "c": {"d": [1]}, "e": None}


@pytest.mark.parametrize(
    ("circulation", "what", "outputs"),
    [
        ("anterior", "multilabel", 5),
        ("posterior", "multilabel", 6),
        ("anterior", "binary", 1),
        ("posterior", "binary", 1),
    ],
)
def test_a_net_has_as_many_outputs_as_its_dataset_has_labels(circulation: str, what: str, outputs: int) -> None:
    data = [f"data.rows.circulation={circulation}", f"data.rows.target={what}"]
    assert compose("train", data).model.net.outputs == outputs


def test_the_precision_is_one_that_lightning_knows() -> None:
    assert compose("train").trainer.precision in ("bf16-mixed", "16-mixed", "32-true")


def run(
    error: BaseException | None, monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str
) -> list[DictConfig]:
    """Runs a verb that does nothing or fails, as the command line would."""
    seen: list[DictConfig] = []

    @verb("phantom")
    def job(config: DictConfig) -> None:
        seen.append(config)
        if error is not None:
            raise error

    monkeypatch.setattr(sys, "argv", ["phantom", f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}", *arguments])
    job()
    return seen


def test_a_verb_hands_over_the_composed_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (config,) = run(None, monkeypatch, tmp_path, "cohort=phantom_tiny", "cohort.seed=5")
    assert (config.cohort.name, config.cohort.seed) == ("phantom_tiny", 5)


@pytest.mark.parametrize("error", [KiumError("No such thing. Make one."), SplitError("No such thing. Make one.")])
def test_trouble_that_a_user_can_mend_ends_a_verb_with_its_sentence_alone(
    error: KiumError, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        run(error, monkeypatch, tmp_path)
    assert leaving.value.code == 1
    assert capsys.readouterr().err == "Error: No such thing. Make one.\n"


def test_the_traceback_is_there_for_who_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(SplitError, match="No such thing"):
        run(SplitError("No such thing."), monkeypatch, tmp_path)


def test_a_missing_value_is_named_with_its_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @verb("phantom")
    def job(config: DictConfig) -> None:
        build(config.cohort)

    monkeypatch.setattr(sys, "argv", ["phantom", f"hydra.run.dir={tmp_path}", "cohort=kium"])
    with pytest.raises(SystemExit) as leaving:
        job()
    assert leaving.value.code == 1
    message = capsys.readouterr().err
    assert "folder" in message
    assert "Traceback" not in message


def test_an_error_from_a_loading_process_comes_without_that_process_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = (
        "Caught ImageError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
        '  File "dataset.py", line 1, in read\n    raise ImageError(text)\n'
        "kium_lightning.errors.ImageError: 1001LI-A.jpg is truncated. Put a complete file in its place.\n"
    )
    with pytest.raises(SystemExit):
        run(ImageError(wrapped), monkeypatch, tmp_path)
    assert capsys.readouterr().err == "Error: 1001LI-A.jpg is truncated. Put a complete file in its place.\n"


def test_a_file_that_cannot_be_written_is_named_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["phantom", f"hydra.run.dir={tmp_path}"])

    @verb("phantom")
    def job(config: DictConfig) -> None:
        (tmp_path / "missing" / "page.md").write_text("page")

    with pytest.raises(SystemExit) as leaving:
        job()
    assert leaving.value.code == 1
    assert "page.md cannot be used (No such file or directory). Give another path" in capsys.readouterr().err


def test_ctrl_c_ends_any_verb_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ("Half of it is done.", ""):
        with pytest.raises(SystemExit) as leaving:
            run(KeyboardInterrupt(words), monkeypatch, tmp_path)
        assert leaving.value.code == 130
        assert capsys.readouterr().err == f"Stopped. {words}".rstrip() + "\n"


def test_an_exit_that_ctrl_c_has_caused_is_told_from_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["phantom", f"hydra.run.dir={tmp_path}"])

    @verb("phantom")
    def interrupted(config: DictConfig) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(1)  # as Lightning does

    with pytest.raises(SystemExit) as leaving:
        interrupted()
    assert (leaving.value.code, capsys.readouterr().err) == (130, "Stopped.\n")

    @verb("phantom")
    def left(config: DictConfig) -> None:
        sys.exit(3)

    with pytest.raises(SystemExit) as leaving:
        left()
    assert (leaving.value.code, capsys.readouterr().err) == (3, "")

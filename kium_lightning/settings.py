"""The only module that knows Hydra: where conf/ is, the resolvers, composing, building and running a verb."""

import functools
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from kium_lightning.errors import ConfigError, KiumError, SettingError

_PACKAGE = Path(__file__).resolve().parent
_HYDRA_VERSION_BASE = "1.3"
_INTERRUPTED = 130  # the exit status of what Ctrl-C has stopped, as shells have it

Config = DictConfig


def conf_dir() -> Path:
    """Finds conf/: the checkout's own where there is one, else the copy inside the installed package."""
    checkout = _PACKAGE.parent / "conf"
    return checkout if (checkout / "train.yaml").is_file() else _PACKAGE / "conf"


def outputs_dir() -> Path:
    """Finds where runs write: KIUM_OUTPUTS, else outputs/ of the checkout, else outputs/ of the working folder."""
    chosen = os.environ.get("KIUM_OUTPUTS")
    if chosen:
        return Path(chosen).expanduser().resolve()
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "conf").is_dir():
        return (checkout / "outputs").resolve()
    return (Path.cwd() / "outputs").resolve()


def _label_count(rows: Config) -> int:
    """The number of outputs that rows ask of a net."""
    return len(build(rows).label_names)


def _view_count(rows: Config) -> int:
    """The number of views that each sample holds, which are a net's input channels."""
    return len(build(rows).samples[0].views)


def _crop_windows(file: str | None) -> dict[str, list[float]]:
    """The crop windows of a JSON file, or those that come with the package, as numbers for a config to keep."""
    from kium_lightning.data.crop_windows import SHIPPED_WINDOWS, read_crop_windows

    return read_crop_windows(SHIPPED_WINDOWS if file is None else Path(file).expanduser().absolute()).plain()


def _precision() -> str:
    """Lightning's name of the fastest safe precision: bfloat16 where the processor computes with it."""
    import torch

    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "32-true"


def run_name(model: str, *choices: Any) -> str:
    """Names a run: the model, then what was chosen of its rows, so that runs of a sweep over rows can be told apart.

    Args:
        model: the model's name, such as ``per_view``.
        choices: lists of words, such as views; None where nothing was chosen. What is no list stands as it is: the
            rows themselves tell what is wrong with it.

    Returns:
        The name, such as ``per_view-LI-A`` or ``per_view-LI-A+LI-B``.
    """
    words = [
        "+".join(map(str, choice)) if isinstance(choice, ListConfig | list) else str(choice)
        for choice in choices
        if choice
    ]
    return "-".join([model, *words])


def _register_resolvers() -> None:
    OmegaConf.register_new_resolver("kium.outputs", lambda: str(outputs_dir()), replace=True)
    OmegaConf.register_new_resolver("kium.precision", _precision, replace=True)
    OmegaConf.register_new_resolver("kium.sweep", sweep_name, replace=True)
    OmegaConf.register_new_resolver("kium.run_name", run_name, replace=True)
    OmegaConf.register_new_resolver("kium.label_count", _label_count, replace=True)
    OmegaConf.register_new_resolver("kium.crop_windows", _crop_windows, replace=True)
    OmegaConf.register_new_resolver("kium.view_count", _view_count, replace=True)


def compose(config_name: str, overrides: list[str] | None = None) -> Config:
    """Composes a primary config as the command line would, for tests and for use from Python.

    Raises:
        ConfigError: an override names something that does not exist.
    """
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(conf_dir()), version_base=_HYDRA_VERSION_BASE):
        try:
            return hydra.compose(config_name, overrides=overrides or [])
        except CompactHydraException as error:
            raise ConfigError(str(error)) from error


def plain(config: Config) -> dict[str, Any]:
    """Turns a config into dicts, lists, numbers and strings, with every interpolation resolved."""
    container = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if not isinstance(container, dict):
        raise ConfigError(f"A configuration must be a mapping, but this one is a {type(container).__name__}.")
    return {str(key): value for key, value in container.items()}


def build(config: Config | dict[str, Any], **arguments: Any) -> Any:
    """Builds the object that a ``_target_`` describes, with plain Python containers as its arguments.

    Args:
        config: a node with ``_target_``.
        arguments: constructor arguments that are not configuration, such as a catalog.

    Raises:
        KiumError: whatever the constructor found wrong, undisguised.
        ConfigError: the target cannot be found or does not take these arguments.
    """
    try:
        return hydra.utils.instantiate(config, _convert_="all", **arguments)
    except InstantiationException as error:
        raise _undisguised(error) from error


def _undisguised(error: BaseException) -> KiumError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SettingError):
            node = _FULL_KEY.search(str(error))
            return cause.inside(_own_key(node.group(1)) if node else "")
        if isinstance(cause, KiumError):
            return cause
        cause = cause.__cause__
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    what = str(error).splitlines()[0].split(", set env")[0].rstrip(":")
    why = " ".join(str(cause).split()).rstrip(".")
    return ConfigError(f"{what}: {why}. Check the keys under this node against the constructor's arguments.")


def _own_key(key: str) -> str:
    """The key of a node where the user sets it: a cohort's, to which other groups only point."""
    return key[key.index("cohort.") :] if ".cohort." in f".{key}" else key


_FULL_KEY = re.compile(r"^full_key: (\S+)$", re.MULTILINE)  # how Hydra names the node that it could not build
_FROM_WORKER = "Original Traceback (most recent call last)"


class _ReadableError(CompactHydraException):
    """A KiumError in the form that Hydra prints as its message alone."""


def verb(config_name: str) -> Callable[[Callable[[Config], Any]], Callable[[], None]]:
    """Turns a function of a config into a command with Hydra's command line.

    A KiumError, a fault in the configuration, or a file that cannot be read or written ends the command with one
    message and exit status 1; in a multirun the other jobs still run. Ctrl-C ends the command, and all jobs, with one
    message and exit status 130. HYDRA_FULL_ERROR=1 shows the traceback.
    """

    def decorate(run: Callable[[Config], Any]) -> Callable[[], None]:
        @functools.wraps(run)
        def job(config: Config) -> Any:
            try:
                return run(config)
            except (KiumError, InstantiationException, OmegaConfBaseException, OSError) as error:
                if isinstance(error, OSError) and error.filename is None:
                    raise  # no file of the user's, such as a server that does not answer
                message = _sentence(error if isinstance(error, KiumError) else _explained(error))
                if os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise
                if HydraConfig.get().mode == RunMode.MULTIRUN:
                    raise _ReadableError(message) from error
                print(f"Error: {message}", file=sys.stderr)
                raise SystemExit(1) from error

        hydra_main: Callable[[], None] = hydra.main(
            version_base=_HYDRA_VERSION_BASE, config_path=str(conf_dir()), config_name=config_name
        )(job)

        @functools.wraps(run)
        def command() -> None:
            try:
                hydra_main()
            except (KeyboardInterrupt, SystemExit) as error:
                stopped = error if isinstance(error, KeyboardInterrupt) else error.__context__
                if not isinstance(stopped, KeyboardInterrupt) or os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise  # Lightning turns Ctrl-C into an exit of its own
                print(f"Stopped. {stopped}".rstrip(), file=sys.stderr)
                raise SystemExit(_INTERRUPTED) from None

        return command

    return decorate


def _sentence(error: KiumError) -> str:
    """What an error says; from a loading process it comes with that process's traceback around it."""
    message = str(error)
    return message.rsplit(f"{type(error).__name__}: ", 1)[-1].strip() if _FROM_WORKER in message else message


def _explained(error: Exception) -> KiumError:
    if isinstance(error, InstantiationException):
        return _undisguised(error)
    if isinstance(error, OSError):
        return ConfigError(f"{error.filename} cannot be used ({error.strerror}). Give another path or mend this one.")
    key = _own_key(getattr(error, "full_key", None) or "")
    where = f" (at {key})" if key else ""
    return ConfigError(f"{str(error).splitlines()[0]}{where}. Give the value on the command line or in the YAML file.")


def sweep_name() -> str | None:
    """The name that all jobs of the running multirun share; None outside a multirun."""
    if not HydraConfig.initialized():
        return None
    settings = HydraConfig.get()
    if settings.mode != RunMode.MULTIRUN:
        return None
    return Path(settings.sweep.dir).name


def chosen(group: str) -> str | None:
    """The option that was chosen for a config group, such as ``swin_anterior`` for ``model``."""
    choice = HydraConfig.get().runtime.choices.get(group)
    return None if choice is None else str(choice)


def overrides() -> list[str]:
    """The command-line overrides of the running job; none where no command runs."""
    if not HydraConfig.initialized():
        return []
    return list(HydraConfig.get().overrides.task)


_register_resolvers()

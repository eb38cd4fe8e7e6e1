"""How long an epoch takes against the published pipeline: python benchmarks/training.py [--nets ...] [--json PATH].

Three ways to train the same net on the same rows, an epoch of each by turns:

    published   benchmarks/published.py: files decoded in workers, float32, contiguous, AdamW as it comes
    bare        a loop of ten lines over this project's own batches: bfloat16, channels-last, fused AdamW, memory kept
    ours        what ``python -m kium_lightning.train`` builds: Trainer, callbacks, CSV log, checkpoints

An epoch is four batches of training, two of validation and what follows them. Beside it stands the training part alone,
which says what the framework costs a step. Real epochs are a hundred times longer: what happens once in an epoch, the
start of the opponent's workers and the writing of our checkpoints, weighs more here than there, on both sides.

A second table takes the gains of the training part apart, one change at a time. The floor is what the processor's
matrix multiplication, measured in the same run, would need for the floating-point operations of the training part.

What was tried and did not help stands in docs/speed.md.
"""

import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from epochs import TRAINING_BATCHES, VALIDATION_BATCHES, Bare, Clock, Ours, Published
from rich.table import Table
from timing import Ratio, Timing, arguments, by_turns, report
from torch.utils.flop_counter import FlopCounterMode

from kium_lightning.console import say, show
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.settings import Config, build, compose
from kium_lightning.tracking.quiet import quieten_libraries

_BATCH_SIZES = {"mednet_anterior": 4, "swin_anterior": 8, "resnet18_posterior": 16}
_TARGET = 2.3
_MOST_OVER_BARE = 1.05
_ABLATION_TURNS = 2
_MATRIX = 2048  # rows and columns
_MULTIPLICATIONS = 5


def settings(model: str, patients: int, folder: str) -> Config:
    """The train verb's configuration, of a small cohort of full-size films."""
    return compose(
        "train",
        [
            f"model={model}",
            "logger=csv",
            "pretrained=false",
            "cohort.name=speed",
            f"cohort.train_patients={patients}",
            "cohort.test_patients=0",
            "cohort.truth=boxes",
            "name=speed",
            f"folder={folder}",
            f"data.batch_size={_BATCH_SIZES[model]}",
            "trainer.max_epochs=1000",
            f"+trainer.limit_train_batches={TRAINING_BATCHES}",
            f"+trainer.limit_val_batches={VALIDATION_BATCHES}",
            "callbacks.early_stopping=null",
        ],
    )


def rate(dtype: torch.dtype) -> float:
    """Floating-point operations per second of a matrix multiplication."""
    matrix = torch.randn(_MATRIX, _MATRIX).to(dtype)
    seconds = []
    for _ in range(_MULTIPLICATIONS + 1):
        started = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - started)
    return 2.0 * float(_MATRIX) ** 3 / median(seconds[1:])


def operations(config: Config) -> int:
    """Floating-point operations of forward and backward for one row; a multiplication with its addition is two."""
    net, size, rows = build(config.model.net).train(), int(config.data.image_size), 2
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(rows, 1, size, size)).sum().backward()
    return int(counter.get_total_flops()) // rows


def training_part(name: str, clock: Clock, turns: int, amount: int) -> Timing:
    """The training part of the last turns."""
    return Timing(name, tuple(clock.wall[-turns:]), amount)


def ratios(above: list[float], below: list[float]) -> Ratio:
    """Ratios of neighbouring turns."""
    each = [one / other for one, other in zip(above, below, strict=True)]
    return Ratio(median(each), min(each), max(each))


def ablation(config: Config, data: Angiograms, published: Published, rows: int) -> dict[str, Timing]:
    """Times the training part of the opponent and of bare loops that differ from it by one change, then by all."""
    formats = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
    ways = {
        f"{words}, {layout}": Bare(config, data, precision, memory_format, "training", "returned")
        for words, precision in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
        for layout, memory_format in formats.items()
    }
    ways["bfloat16, channels-last, freed memory kept"] = Bare(config, data, ends_with="training")
    runs: dict[str, Callable[[], Any]] = {"published": published.epoch}
    by_turns(runs | {f"cached, {name}": way.epoch for name, way in ways.items()}, repeats=_ABLATION_TURNS)
    clocks = {"published": published.clock} | {f"cached, {name}": way.clock for name, way in ways.items()}
    return {name: training_part(name, clock, _ABLATION_TURNS, rows) for name, clock in clocks.items()}


def measure(model: str, patients: int, repeats: int, rates: dict[str, float]) -> tuple[list[Table], dict[str, Any]]:
    """Times the three ways for a net, and takes the gain apart."""
    with tempfile.TemporaryDirectory() as folder:
        config = settings(model, patients, folder)
        data: Angiograms = build(config.data)
        data.prepare_data()
        data.setup("fit")
        rows = TRAINING_BATCHES * int(config.data.batch_size)
        published, bare, ours = Published(config, data), Bare(config, data), Ours(config, data)
        ways: dict[str, Published | Bare | Ours] = {"published": published, "bare": bare, "ours": ours}
        epochs = by_turns({name: way.epoch for name, way in ways.items()}, dict.fromkeys(ways, rows), repeats)
        ours.end()
        parts = {name: training_part(name, way.clock, repeats, rows) for name, way in ways.items()}
        taken_apart = ablation(config, data, published, rows)
    gain = epochs["ours"].times_faster_than(epochs["published"])
    over_bare = ratios(ours.clock.wall[-repeats:], bare.clock.wall[-repeats:])
    over_bare_processor = ratios(ours.clock.processor[-repeats:], bare.clock.processor[-repeats:])
    floor = rows * operations(config) / rates["bfloat16"]

    title = f"{model}, {config.data.image_size} px, {rows} rows in batches of {config.data.batch_size}"
    table = Table("", "seconds of an epoch", "times published", "of its training part", "floor times", title=title)
    for name, timing in epochs.items():
        ratio = timing.times_faster_than(epochs["published"])
        part = parts[name].median
        table.add_row(name, f"{timing.median:.2f}", str(ratio), f"{part:.2f}", f"{part / floor:.2f}")
    table.caption = (
        f"target {_TARGET} times published: {'met' if gain.median >= _TARGET else 'missed'}; a step takes {over_bare} "
        f"of bare's time, at most {_MOST_OVER_BARE}: "
        f"{'met' if over_bare.median <= _MOST_OVER_BARE else 'missed'}; "
        f"of its processor time {over_bare_processor}; floor {floor:.2f} s"
    )
    apart = Table("training part", "seconds", "times published", title=f"{model}: one change at a time")
    for name, timing in taken_apart.items():
        apart.add_row(name, f"{timing.median:.2f}", str(timing.times_faster_than(taken_apart["published"])))
    numbers = {
        "epochs": {name: timing.plain() for name, timing in epochs.items()},
        "training_parts": {name: timing.plain() for name, timing in parts.items()},
        "ablation": {name: timing.plain() for name, timing in taken_apart.items()},
        "times_published": gain.plain(),
        "step_over_bare": over_bare.plain(),
        "step_over_bare_processor": over_bare_processor.plain(),
        "floor_s": floor,
    }
    return [table, apart], numbers


def main() -> None:
    """Times the nets of the report and prints two tables of each."""
    parser = arguments(__doc__)
    parser.add_argument("--nets", nargs="*", default=list(_BATCH_SIZES), choices=list(_BATCH_SIZES))
    parser.add_argument("--patients", type=int, default=30, help="of the phantom cohort, which is kept and found again")
    chosen = parser.parse_args()
    quieten_libraries()
    rates = {"float32": rate(torch.float32), "bfloat16": rate(torch.bfloat16)}
    say(", ".join(f"{name} {value / 1e9:.0f} GFLOP/s" for name, value in rates.items()) + " in matrix multiplication")
    numbers = {}
    for model in chosen.nets:
        tables, numbers[model] = measure(model, chosen.patients, chosen.repeats, rates)
        for table in tables:
            show(table)
    report(chosen.json, [], {"flop_per_second": rates, "nets": numbers})


if __name__ == "__main__":
    main()

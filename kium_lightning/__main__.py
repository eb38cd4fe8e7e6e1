"""Lists the verbs, or runs one: ``python -m kium_lightning train ...`` is ``python -m kium_lightning.train ...``."""

import runpy
import sys

VERBS = {
    "phantom": "make a cohort of synthetic angiograms whose truth is known",
    "preprocess": "crop margins and cover burnt-in text of a cohort, with a record and a contact sheet",
    "audit": "look for leaks, shortcuts and swapped views in a cohort",
    "train": "train one net by the name of a recipe",
    "calibrate": "fit the operating points of a trained ensemble out of fold, and estimate how good they are",
    "predict": "run the gated two-stage ensemble and write output.csv",
    "evaluate": "score output.csv against the ground truth: a page, JSON and a model card",
    "explain": "draw where a net sees evidence, and score it where the truth is known",
    "compare": "put trained runs beside each other in one table, with intervals",
}


def _usage() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {line}" for verb, line in VERBS.items()]
    return "\n".join(
        [
            "kium_lightning finds brain aneurysms in the eight images of an angiogram.",
            "",
            "python -m kium_lightning.<verb> [key=value ...]",
            "",
            *lines,
            "",
            "Each verb explains itself with --help and shows its configuration with --cfg job.",
        ]
    )


def main() -> int:
    """Prints the verbs, or runs the one that is named; returns the exit status."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    verb = arguments[0]
    if verb not in VERBS:
        print(f"{verb!r} is no verb of kium_lightning. Choose one of {', '.join(VERBS)}.", file=sys.stderr)
        return 2
    sys.argv = [f"kium_lightning.{verb}", *arguments[1:]]
    runpy.run_module(f"kium_lightning.{verb}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

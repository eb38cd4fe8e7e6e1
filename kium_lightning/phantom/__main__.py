"""Makes a cohort of synthetic patients: python -m kium_lightning.phantom cohort=phantom."""

from kium_lightning.console import say_written
from kium_lightning.errors import ConfigError
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.settings import Config, build, verb


@verb("phantom")
def main(config: Config) -> None:
    """Makes the chosen cohort unless it is there already."""
    cohort = build(config.cohort)
    if not isinstance(cohort, PhantomCohort):
        raise ConfigError("This cohort is not made but given. Choose one of the phantoms, such as cohort=phantom_demo.")
    made = cohort.ensure()
    say_written([made.train_set, made.test_set, made.truth])


if __name__ == "__main__":
    main()

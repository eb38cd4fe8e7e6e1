"""The report of every kind of task: who takes ``report_held_out`` from here has them all registered."""

from kium_lightning.tracking import contrastive, reconstruction
from kium_lightning.tracking.held_out import report_held_out

__all__ = ["contrastive", "reconstruction", "report_held_out"]

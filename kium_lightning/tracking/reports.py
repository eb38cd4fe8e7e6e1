"""The report of every kind of task: who takes ``report_validation`` from here has them all registered."""

from kium_lightning.tracking import contrastive, reconstruction
from kium_lightning.tracking.validation import report_validation

__all__ = ["contrastive", "reconstruction", "report_validation"]

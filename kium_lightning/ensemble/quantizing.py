"""Eight-bit nets, calibrated on a few views."""

import logging
from collections.abc import Sequence

import nncf
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from kium_lightning.ensemble.openvino_nets import has_attention

_FEW_CHANNELS = 3  # a convolution of so few works little, and what it takes is the picture itself


def quantized(model: ov.Model, views: Sequence[NDArray[np.generic]]) -> ov.Model:
    """Quantizes a converted net to eight-bit weights and activations.

    Convolutions of the picture itself stay in floating point, and so do the last layers of convolutional nets: they are
    little of the work and much of the error.

    Source: post-training quantization with bias correction as in Nagel et al., "Data-Free Quantization Through Weight
    Equalization and Bias Correction", ICCV 2019, by the Neural Network Compression Framework.

    Args:
        model: a float32 net.
        views: what it takes of each of its inputs, n views each.
    """
    nncf.set_log_level(logging.ERROR)
    operations = model.get_ordered_ops()
    attends = has_attention(model)
    exact = [
        each.get_friendly_name()
        for each in operations
        if each.get_type_name() == "Convolution" and each.input(1).get_partial_shape()[1].get_length() <= _FEW_CHANNELS
    ]
    if not attends:
        exact += [each.get_friendly_name() for each in operations if each.get_type_name() == "MatMul"]
    count = len(views[0])
    singly = [[part[place : place + 1] for part in views] for place in range(count)]
    return nncf.quantize(
        model,
        nncf.Dataset(singly),
        subset_size=count,
        model_type=nncf.ModelType.TRANSFORMER if attends else None,
        ignored_scope=nncf.IgnoredScope(names=exact),
    )

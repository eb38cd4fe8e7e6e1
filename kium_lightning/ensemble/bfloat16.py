"""Kernels in bfloat16 that answer an even picture as exactly as in float32."""

import numpy as np
import openvino as ov
from numpy.typing import NDArray

_CONVOLUTIONS = ("Convolution", "GroupConvolution")


def in_bfloat16(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounds kernels to numbers that bfloat16 holds, so that the sum of each kernel is kept.

    What a net sees is smooth for the most part: a kernel's answer to it is its sum times the grey value. Rounded to the
    nearest each, the weights of a kernel change that sum, in the same direction wherever the picture is even, and no
    averaging over the picture takes that away. So the error of each weight is passed on to the next, the smallest last.

    Args:
        kernels: (..., kernel height, kernel width); those of one weight are rounded to the nearest.

    Returns:
        The same shape, float32 values with at most eight significant bits.
    """
    weights = kernels.reshape(-1, kernels.shape[-2] * kernels.shape[-1]).astype(np.float64)
    order = np.argsort(-np.abs(weights), axis=1, kind="stable")
    passed_on = np.zeros(len(weights))
    rounded = np.empty(weights.shape, dtype=np.float32)
    rows = np.arange(len(weights))
    for place in order.T:
        wanted = weights[rows, place] + passed_on
        given = nearest_bfloat16(wanted.astype(np.float32))
        rounded[rows, place] = given
        passed_on = wanted - given
    return rounded.reshape(kernels.shape)


def nearest_bfloat16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounds finite numbers to the nearest that bfloat16 holds, ties to the even one."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    halfway = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    nearest: NDArray[np.float32] = ((bits + halfway) & np.uint32(0xFFFF0000)).view(np.float32)
    return nearest


def with_bfloat16_kernels(model: ov.Model) -> ov.Model:
    """Rounds the kernels of all convolutions of a model in place, and returns it."""
    for operation in model.get_ordered_ops():
        if operation.get_type_name() not in _CONVOLUTIONS:
            continue
        kernels = operation.input_value(1).get_node()
        if kernels.get_type_name() == "Constant" and kernels.get_element_type() == ov.Type.f32:
            rounded = ov.opset13.constant(in_bfloat16(kernels.get_data()))
            operation.input(1).replace_source_output(rounded.output(0))
    return model

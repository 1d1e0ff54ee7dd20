"""Checks that Keras is installed and has a supported backend."""

from numerate.ops import register

_NOT_ON = (
    "numerate.keras runs on Keras's JAX and PyTorch backends, not on {}: set the environment "
    "variable KERAS_BACKEND to jax or torch before Keras is imported"
)

try:
    import keras
except ModuleNotFoundError as error:
    if error.name == "keras":
        raise ImportError('numerate.keras needs Keras: pip install "numerate[keras]"') from None
    if (error.name or "").startswith("tensorflow"):
        raise ImportError(_NOT_ON.format("TensorFlow")) from None
    raise

if keras.backend.backend() not in ("jax", "torch"):
    raise ImportError(_NOT_ON.format(keras.backend.backend()))

if keras.backend.backend() == "torch":
    import torch

    # Now, and not when a unit is first called: `torch.compile` follows an `isinstance` only.
    register(torch.Tensor, "torch")

"""A Keras functional model, NAU → NMU, that learns (a + b) · (c + d) and extrapolates.

It is trained on numbers from [-2, 2] and tested on numbers from [10, 100]: it learns the formula
itself. Keras clips the weights after every step and adds the penalties that pull them to -1, 0 and
1, because the layers define both.

    KERAS_BACKEND=jax python examples/keras_nau_nmu.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

from numerate.keras import NAU, NMU


def problem(rng, low: float, high: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.uniform(low, high, (count, 4))
    a, b, c, d = x.T
    return x, ((a + b) * (c + d))[:, None]


def main() -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    inputs = keras.Input((4,))
    sums = NAU(2, penalty_factor=0.01)(inputs)
    model = keras.Model(inputs, NMU(1, penalty_factor=0.01)(sums))
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=300, decay_rate=0.5)
    model.compile(keras.optimizers.Adam(rate), "mse")  # pyright: ignore[reportArgumentType]
    x, y = problem(rng, -2, 2, 20_000)
    model.fit(x, y, batch_size=64, epochs=10, verbose=0)  # pyright: ignore[reportArgumentType]
    x, y = problem(rng, 10, 100, 1000)
    error = np.max(np.abs(keras.ops.convert_to_numpy(model(x)) - y) / y)
    print("weights of the sums and of the product:")
    for weight in model.get_weights():
        print(np.round(weight, 2) + 0.0)  # no -0
    print(f"maximum relative error on [10, 100]: {error:.0e}")


if __name__ == "__main__":
    main()

"""Which backend Keras has in doctests and pages; `tests/adapters` runs it on each."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

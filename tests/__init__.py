"""Tests; the pytest option `--jaxtyping-packages` names `tests.typechecking.check`."""

from . import typechecking as typechecking

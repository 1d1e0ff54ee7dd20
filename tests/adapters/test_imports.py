"""Optional dependencies of the adapters: not needed without them, and named by the import error."""

from tests.adapters.processes import failure, output, start
from tests.each import each

EVERYTHING_ELSE = """
import pkgutil, sys, numerate
for module in pkgutil.iter_modules(numerate.__path__):
    if module.name not in ("torch", "keras"):
        __import__(f"numerate.{module.name}")
print(sorted({"torch", "keras"} & sys.modules.keys()))
"""


def test_numerate_imports_neither():
    assert output(start("-c", EVERYTHING_ELSE)) == "[]\n"


@each("library, called", [("torch", "PyTorch"), ("keras", "Keras")])
def test_a_missing_library_is_one_sentence(library, called):
    code = f"import sys; sys.modules[{library!r}] = None; import numerate.{library}"
    assert failure(code) == (
        f'ImportError: numerate.{library} needs {called}: pip install "numerate[{library}]"'
    )


@each("backend, called", [("tensorflow", "TensorFlow")])
def test_other_backends_of_keras_are_refused_in_one_sentence(backend, called):
    code = "import sys; sys.modules['tensorflow'] = None; import numerate.keras"
    assert failure(code, KERAS_BACKEND=backend) == (
        f"ImportError: numerate.keras runs on Keras's JAX and PyTorch backends, not on {called}: "
        "set the environment variable KERAS_BACKEND to jax or torch before Keras is imported"
    )


def test_a_broken_library_keeps_its_own_words():
    code = "import sys; sys.modules['torch._C'] = None; import numerate.torch"
    assert "needs PyTorch" not in failure(code)

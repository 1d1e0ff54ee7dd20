"""The stubs of the adapters for editors match their classes."""

import ast

from tests.adapters import stubs
from tests.each import each

each_library = each("library", stubs.HEAD)


@each_library
def test_stubs_have_every_unit_with_its_arguments(library):
    assert stubs.path(library).read_text(encoding="utf-8") == stubs.stub(library), (
        "write them with `KERAS_BACKEND=jax python -m tests.adapters.stubs`"
    )


@each_library
def test_stubs_have_every_name(library):
    body = ast.parse(stubs.stub(library)).body
    imports = [
        alias.asname for node in body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    classes = [node.name for node in body if isinstance(node, ast.ClassDef)]
    assert {*imports, *classes} - {None} == set(library.__all__)

"""The run-time type checker that jaxtyping uses in tests: an int is also a float, as in PEP 484."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))

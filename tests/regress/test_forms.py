"""The judgement of the benchmark of measured tables, `benchmarks/forms.py`."""

import sympy

from .lawless import LAWS, judge, simulate

BY_NAME = {law.name: law for law in LAWS}


def verdict(name: str, formula: str, reported=(), noise="proportional 1 %"):
    law = BY_NAME[name]
    names = {n: sympy.Symbol(n) for n in law.columns}
    parsed = sympy.parse_expr(formula, local_dict=names)
    return judge(parsed, law, simulate(law, noise, 40, 0), reported)


def test_a_law_is_recognised_however_it_is_written():
    for name, formula in (
        ("saturation", "212.7*c/(c + 0.0641)"),
        ("saturation", "1/(0.004702 + 0.0003014/c)"),
        ("saturation", "213*c/(c + 0.0641)"),  # a whole number in the place of a constant
        ("adsorption", "p/(0.1705*p + 0.4692)"),
        ("metabolism", "70.2*mass**(3/4)"),
        ("metabolism", "70.3*mass**0.7502"),
        ("two-mass Kepler", "d**(3/2)/sqrt(m1 + m2)"),
        ("spectrum", "9.1127e-8/(1/n1**2 - 1/n2**2)"),
        ("spectrum", "9.1127e-8*n1**2*n2**2/Abs(n1**2 - n2**2)"),
        ("mixing", "t1 + m2*(t2 - t1)/(m1 + m2)"),
        ("gravitation", "6.674e-11*m1*m2/r**2"),
        ("one lens", "-1/(1/d - 8.2440)"),
    ):
        found = verdict(name, formula)
        assert found.form and found.right and found.contained, (formula, found)


def test_what_is_no_law_is_not():
    for name, formula, why in (
        ("saturation", "212.7*c**1.001/(c + 0.0641)", "3 constants for a law of 2"),
        ("saturation", "180*c**0.3", "another form"),
        ("hypotenuse", "a + b/2", "another form"),
        ("gravitation", "6.674e-11*m1**1.0001*m2/r**2", "2 constants for a law of 1"),
        ("photon", "2.3e-25/w", "standard errors from the truth"),
        ("metabolism", "70.2*mass**(2/3)", "standard errors from the truth"),
    ):
        found = verdict(name, formula)
        assert not found.right and why in found.why, (formula, found)


def test_redundant_numbers_are_seen():
    for name, formula, redundant in (
        ("saturation", "128/(0.601 + 0.039/c)", True),
        ("saturation", "212.7/(1 + 0.0641/c)", False),
        ("braking", "v*(0.2872*v + 3.05)/4", True),
        ("energy", "m*(19.6134*h + v**2)/2", False),
    ):
        assert verdict(name, formula).redundant == redundant, formula


def test_standard_errors_that_are_reported_are_used():
    wide = [{"value": 2.3e-25, "standard_error": 1e-25}]
    assert not verdict("photon", "2.3e-25/w").right
    assert verdict("photon", "2.3e-25/w", wide).right
    other = [{"value": 1.9e-25, "standard_error": 1e-25}]
    assert not verdict("photon", "2.3e-25/w", other).right

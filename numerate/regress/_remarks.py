"""Physical constants that a fitted number may be: remarks, never put into a formula.

Values of the 2022 CODATA adjustment (P. J. Mohr et al., Reviews of Modern Physics 97, 2025), in
SI units. Those without uncertainty are exact by the definition of the units.
"""

from collections.abc import Sequence

from numerate.regress._digits import significant

_PHYSICAL = {
    "the speed of light": 299792458.0,
    "Newton's constant of gravitation": 6.67430e-11,
    "the Planck constant": 6.62607015e-34,
    "the reduced Planck constant": 1.054571817e-34,
    "the Boltzmann constant": 1.380649e-23,
    "the elementary charge": 1.602176634e-19,
    "the molar gas constant": 8.31446261815324,
    "the Avogadro constant": 6.02214076e23,
    "the Faraday constant": 96485.33212,
    "the Stefan-Boltzmann constant": 5.670374419e-8,
    "the electric constant": 8.8541878188e-12,
    "the magnetic constant": 1.25663706127e-6,
    "Coulomb's constant": 8.9875517862e9,
    "the mass of the electron": 9.1093837139e-31,
    "the mass of the proton": 1.67262192595e-27,
    "the Rydberg constant": 10973731.568157,
    "the inverse of the Rydberg constant": 9.1126705058e-8,
    "the Bohr radius": 5.29177210544e-11,
    "the fine-structure constant": 7.2973525643e-3,
    "the standard acceleration of gravity": 9.80665,
}
_ERRORS = 3.0  # standard errors
_KNOWN = 0.02  # relative standard error up to which agreement means something
_SAME = 1e-6  # relative difference of a constant that is known without error


def remarks(constants: Sequence[dict[str, float]]) -> list[str]:
    """Which fitted constants agree with a physical one, as sentences.

    **Arguments:** `value` and `standard_error` of each constant.

    !!! example
        >>> remarks([{"value": 8.31, "standard_error": 0.02}])
        ['8.31 agrees with the molar gas constant, 8.31446']
    """
    return [
        f"{value:.{min(significant(value, error), 6)}g} agrees with {name}, {known:.6g}"
        for value, error in ((abs(c["value"]), c["standard_error"]) for c in constants)
        for name, known in _PHYSICAL.items()
        if error <= _KNOWN * known and abs(value - known) <= max(_ERRORS * error, _SAME * known)
    ]

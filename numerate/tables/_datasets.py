"""The embedded data sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType

import numpy as np

from ._delimited import read_delimited
from ._sheet import Sheet


@dataclass(frozen=True)
class Dataset:
    """An embedded data set: `numerate fit NAME`, `read_table(NAME)`.

    `columns` describes each column and its unit, `law` is the known relation between them, and
    `source` the publication of the numbers. `resolution` is given for columns whose values were
    not read in decimals: half a unit of the scale, as in `Table.resolution`.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    target: str
    law: str
    source: str
    resolution: Mapping[str, float] = field(default_factory=dict)


_KEPLER = Dataset(
    name="kepler",
    title="The planets' distances and years",
    columns={
        "planet": "name",
        "a": "semi-major axis of the orbit, astronomical units",
        "T": "sidereal period, Julian years",
    },
    target="T",
    law="Kepler's third law: T = a^(3/2)",
    source=(
        "E. M. Standish, Keplerian elements for approximate positions of the major planets, JPL "
        "Solar System Dynamics, table 1 (1800-2050); also in Explanatory Supplement to the "
        "Astronomical Almanac, 3rd ed., University Science Books, 2013, chapter 8: a, and T = "
        "36000/(rate of the mean longitude in degrees per century), both rounded to three "
        "significant digits"
    ),
)

_GALILEAN = Dataset(
    name="galilean",
    title="Jupiter's four large moons",
    columns={
        "moon": "name",
        "a": "semi-major axis of the orbit, equatorial radii of Jupiter (71 492 km)",
        "T": "sidereal period, days",
    },
    target="T",
    law="Kepler's third law around another body: T = c*a^(3/2), c = 0.1235",
    source=(
        "NASA Space Science Data Coordinated Archive, Jovian Satellite Fact Sheet: a = 421.8, "
        "671.1, 1070.4, 1882.7 thousand km, T = 1.769138, 3.551181, 7.154553, 16.689017 days; "
        "radius of Jupiter by IAU 2015 resolution B3 (A. Prša et al., Astronomical Journal 152:41, "
        "2016)"
    ),
)

_BOYLE = Dataset(
    name="boyle",
    title="Boyle's table of the condensation of the air",
    columns={
        "V": "room taken by the air, quarters of an inch of the tube",
        "P": "pressure, inches of mercury, written in sixteenths",
    },
    target="P",
    law="Boyle's law: P*V is constant, about 1400",
    source=(
        "R. Boyle, A Defence of the Doctrine Touching the Spring and Weight of the Air, London, "
        "1662, columns A and D as printed; see J. B. West, The original presentation of Boyle's "
        "law, Journal of Applied Physiology 87:1543-1545, 1999"
    ),
    # Mercury was poured in until the air filled a whole number of divisions, and its height
    # was then read in sixteenths of an inch.
    resolution={"V": 0.0, "P": 1 / 32},
)

_DATASETS = MappingProxyType({d.name: d for d in (_KEPLER, _GALILEAN, _BOYLE)})


def datasets() -> Mapping[str, Dataset]:
    """The embedded data sets by name.

    !!! example
        >>> for name, dataset in datasets().items():
        ...     print(f"{name}: {dataset.law}")
        kepler: Kepler's third law: T = a^(3/2)
        galilean: Kepler's third law around another body: T = c*a^(3/2), c = 0.1235
        boyle: Boyle's law: P*V is constant, about 1400
    """
    return _DATASETS


def dataset_sheet(name: str) -> Sheet:
    """The table of an embedded data set, with the resolution its source gives."""
    data = files("numerate.tables").joinpath("sets", f"{name}.csv").read_bytes()
    sheet = read_delimited(data, f"data set {name!r}", ",")
    given = _DATASETS[name].resolution
    resolution = {c: np.full(sheet.height, half) for c, half in given.items()}
    return Sheet(sheet.source, sheet.content, sheet.line_of, sheet.notes, resolution)

"""Names of columns and files as text: whoever wrote a table chose them."""

import keyword
import unicodedata
from collections.abc import Iterable

_CONTROLS = frozenset(("Cc", "Cs", "Zl", "Zp"))
# They change the direction in which the rest of a line is shown.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_control(character: str) -> bool:
    """Whether a terminal might obey a character instead of showing it.

    !!! example
        >>> [is_control(c) for c in "a \\x1b\\n\\u202e"]
        [False, False, True, True, True]
    """
    return unicodedata.category(character) in _CONTROLS or character in _DIRECTIONS


def visible(text: str, keep: str = "") -> str:
    """A text with escapes in place of control characters, other than those to keep.

    !!! example
        >>> print(visible("a\\x1b[31m b\\u202e"))
        a\\x1b[31m b\\u202e
    """
    if text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode() if c not in keep and is_control(c) else c for c in text
    )


def quoted(name: str) -> str:
    """A name as formulas show it: in backquotes, as in R and SQL, unless it is an identifier.

    !!! example
        >>> [quoted(name) for name in ("mass_1", "semi-major axis", "x`y", "is")]
        ['mass_1', '`semi-major axis`', '`x``y`', '`is`']
    """
    if name.isidentifier() and not keyword.iskeyword(name):
        return name
    return f"`{visible(name).replace('`', '``')}`"


def identifiers(names: list[str], taken: tuple[str, ...] = ()) -> list[str]:
    """Valid, distinct Python names other than those taken, as close to the names as possible.

    !!! example
        >>> identifiers(["semi-major axis", "2T", "class", "x\\u00b2", "x2"])
        ['semi_major_axis', '_2T', '_class', 'x2', 'x2_']
    """
    words = []
    for name in names:
        # As the parser reads identifiers: names that differ before may be the same after.
        normal = unicodedata.normalize("NFKC", name)
        word = "".join(c if f"_{c}".isidentifier() else "_" for c in normal)
        words.append(word if word.isidentifier() and not keyword.iskeyword(word) else f"_{word}")
    return distinct(words, (*taken, "__debug__"))


def distinct(texts: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Texts with an underscore, or with it and a number, where they were there before.

    !!! example
        >>> distinct(["a", "b", "a", "a"], taken=["b"])
        ['a', 'b_', 'a_', 'a_2']
    """
    used, found = set(taken), []
    tried: dict[str, int] = {}  # so that many equal texts do not try the same again
    for text in texts:
        word = text
        while word in used:
            tried[text] = tried.get(text, 0) + 1
            word = f"{text}_{tried[text] if tried[text] > 1 else ''}"
        used.add(word)
        found.append(word)
    return found

"""Equations of the pages are set by what the site itself serves."""

import re

from tests.pages import ROOT

KATEX = ROOT / "docs" / "katex"
UNITS = [p for p in (ROOT / "docs" / "units").glob("*.md") if p.stem not in ("index", "choose")]


def test_every_unit_shows_its_equation_first():
    for page in UNITS:
        parts = page.read_text(encoding="utf-8").partition("---\n\n")[2].split("\n\n")
        assert parts[0].startswith("# ") and re.fullmatch(r"\$\$\n.+\n\$\$", parts[1], re.DOTALL), (
            page
        )
        assert parts[1].count("{") == parts[1].count("}"), page


def test_katex_needs_no_other_host_and_has_its_fonts_and_licence():
    style = (KATEX / "katex.min.css").read_text(encoding="utf-8")
    found = set(re.findall(r"url\(([^)]*)\)", style))
    assert found and all((KATEX / place).is_file() for place in found)
    assert {f"fonts/{file.name}" for file in (KATEX / "fonts").iterdir()} == found
    assert "MIT License" in (KATEX / "LICENSE.txt").read_text(encoding="utf-8")
    hook = (ROOT / "docs" / "hooks" / "equations.py").read_text(encoding="utf-8")
    for name in ("katex.min.css", "katex.min.js", "equations.js"):
        assert f"{{katex}}/{name}" in hook and (KATEX / name).is_file()
    assert "http" not in hook + style + (KATEX / "equations.js").read_text(encoding="utf-8")

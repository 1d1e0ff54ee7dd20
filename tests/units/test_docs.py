"""The snippets of the page on units run, one after another, as a reader would run them."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "units.md"


def test_snippets_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) == 5
    program = "\n".join(snippets)
    exec(compile(program, str(PAGE), "exec"), {"__name__": "units_page"})

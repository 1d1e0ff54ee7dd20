"""Shows the figures of committed results, where the pages in docs/results look for them."""

from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "results"


def on_files(files: Any, config: Any) -> Any:
    """MkDocs calls this: adds the figures to the files of the site."""
    from mkdocs.structure.files import File

    for figure in sorted(RESULTS.glob("*/*.svg")):
        place = f"results/{figure.parent.name}/{figure.name}"
        files.append(File.generated(config, place, abs_src_path=str(figure)))
    return files

"""Writes rank_strips.ipynb from rank_strips.py, whose cells begin with `# %%`.

python examples/as_notebook.py
"""

import json
import re
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("rank_strips.py")


def notebook(script: str) -> dict[str, Any]:
    """A notebook (nbformat 4.5) of a script's cells, without what they print."""
    cells = []
    parts = re.split(r"^# %%( \[markdown\])?\n", script, flags=re.MULTILINE)
    for number, (markdown, text) in enumerate(
        zip(parts[1::2], parts[2::2], strict=True)
    ):
        text = text.strip("\n")
        if markdown:
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        source = text.splitlines(keepends=True)
        cell = {"id": f"cell-{number}", "metadata": {}, "source": source}
        if markdown:
            cells.append({"cell_type": "markdown", **cell})
        else:
            cells.append(
                {"cell_type": "code", "execution_count": None, "outputs": [], **cell}
            )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


if __name__ == "__main__":
    text = json.dumps(notebook(SCRIPT.read_text("utf-8")), indent=1, ensure_ascii=False)
    SCRIPT.with_suffix(".ipynb").write_text(text + "\n", "utf-8")

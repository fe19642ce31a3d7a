"""The pages of results against the committed ones."""

import json
import re
from pathlib import Path

import pytest
from commands import ROOT

from pydrdl.reproduce import tables

CONTENTS = {
    path.name: json.loads(path.read_text())
    for path in sorted((ROOT / "docs").glob("results*.json"))
}
TABLES = {
    (name, table.name): tables.markdown(table)
    for name, content in CONTENTS.items()
    for table in tables.from_json(content)
}
PAGES = [ROOT / f"docs/{page}.md" for page in ("results", "fine_tuning", "paper_net")]
TEXTS = {page.name: page.read_text() for page in PAGES}


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_a_table_of_the_results_is_on_one_page(name: str, table: str) -> None:
    found = [page for page, text in TEXTS.items() if TABLES[name, table] in text]
    assert len(found) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_there_is_no_other_table_row(page: Path) -> None:
    known = "".join(TABLES.values())
    lines = TEXTS[page.name].splitlines()
    rows = [line for line in lines if re.match(r"\| .*\.\d{3}", line)]
    assert rows and all(row + "\n" in known for row in rows)


@pytest.mark.parametrize("name", CONTENTS)
def test_its_conditions_are_said(name: str) -> None:
    said = tables.conditions(CONTENTS[name])
    assert any(said in text.replace("\n", " ") for text in TEXTS.values())

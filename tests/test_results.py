"""docs/results.md says what docs/results.json holds, and no other number."""

import json
import re

import pytest
from commands import ROOT

from pydrdl.reproduce import tables

CONTENT = json.loads((ROOT / "docs/results.json").read_text())
TABLES = {table.name: table for table in tables.from_json(CONTENT)}
TEXT = (ROOT / "docs/results.md").read_text()


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_results(name: str) -> None:
    assert tables.markdown(TABLES[name]) in TEXT


def test_there_is_no_other_table_row() -> None:
    known = "".join(map(tables.markdown, TABLES.values()))
    rows = [line for line in TEXT.splitlines() if re.match(r"\| .*\.\d{3}", line)]
    assert rows and all(row + "\n" in known for row in rows)


def test_what_they_are_worth_is_said() -> None:
    assert CONTENT["worth"] in TEXT.replace("\n", " ")

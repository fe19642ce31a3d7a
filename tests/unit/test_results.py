"""docs/results.md says what the docs/results*.json hold, and no other number."""

import json
import re

import pytest
from commands import ROOT

from pydrdl.reproduce import tables

CONTENTS = [json.loads(p.read_text()) for p in sorted(ROOT.glob("docs/results*.json"))]
TABLES = {t.name: t for content in CONTENTS for t in tables.from_json(content)}
TEXT = (ROOT / "docs/results.md").read_text()


def test_no_table_is_in_two_files() -> None:
    assert len(TABLES) == sum(len(content["tables"]) for content in CONTENTS)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_results(name: str) -> None:
    assert tables.markdown(TABLES[name]) in TEXT


def test_there_is_no_other_table_row() -> None:
    known = "".join(map(tables.markdown, TABLES.values()))
    rows = [line for line in TEXT.splitlines() if re.match(r"\| .*\.\d{3}", line)]
    assert rows and all(row + "\n" in known for row in rows)


def test_their_conditions_are_said() -> None:
    for content in CONTENTS:
        assert tables.conditions(content) in TEXT.replace("\n", " ")

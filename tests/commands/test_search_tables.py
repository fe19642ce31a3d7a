"""The tables of docs/search.md, from what benchmarks/gallery.py writes."""

import sys

from commands import ROOT

sys.path.append(str(ROOT / "benchmarks"))
import tables_of_search as search

MACHINE = {
    "cpu": "Some CPU", "virtual": True, "cores": 2, "system": "Debian 12",
    "load": 0.25, "libraries": {"NumPy": "2.4.6"},
}  # fmt: skip


def measured(name: str, rows: int, *query: float, **more: object) -> dict:
    return {
        "name": name, "rows": rows, "width": 128, "add_cpu": 0.0, "index_cpu": 0.0,
        "disk": 512_000_000, "disk_at_most": 900_000_000, "memory": 612_000_000,
        "query_cpu": list(query),
        "recall_1": 1.0, "recall_50": 1.0, "filtered_cpu": [], **more,
    }  # fmt: skip


RUN = {
    "command": "python benchmarks/gallery.py", "machine": MACHINE, "rounds": 3,
    "ours": "ours", "every": "every row",
    "results": [
        measured("ours", 9000, 0.02, 0.03, 0.04, add_cpu=0.5, index_cpu=7.0,
                 recall_50=0.995, filtered_cpu=[0.1, 0.2, 0.3]),
        measured("every row", 9000, 0.2, 0.1, 0.1),
        measured("ours", 990_000, 0.06, 0.06, 0.06, add_cpu=11.0, index_cpu=70.0,
                 memory=1_200_000_000, recall_50=0.9),
        measured("every row", 990_000, 1.0, 2.0, 3.0),
    ],
}  # fmt: skip


def test_what_a_gallery_takes() -> None:
    rows = search.gallery(RUN).splitlines()
    assert rows[2] == (
        "| ours | 9,000 x 128 | 0 | 7 | 512 | 900 | 612 | 30.0 | 1.000 | 0.995 |"
    )
    assert rows[3] == (
        "| every row | 9,000 x 128 |  |  | 512 | 900 | 612 | 100.0 | 1.000 | 1.000 |"
    )
    assert len(rows) == 6
    assert search.gallery(RUN, RUN).splitlines() == [*rows, *rows[2:]]


def test_queries_beside_comparing_with_every_row_of_as_many() -> None:
    assert search.gallery_ratios(RUN).splitlines()[2:] == [
        "| ours | 9,000 x 128 | 0.30 | 0.10 to 0.40 |",
        "| ours, with filters | 9,000 x 128 | 2.00 | 0.50 to 3.00 |",
        "| ours | 990,000 x 128 | 0.03 | 0.02 to 0.06 |",
    ]


def test_what_was_wanted_of_it() -> None:
    assert search.gallery_targets(RUN).splitlines()[2:] == [
        "| recall@50 | 9,000 x 128 | 0.995 | 0.99 |",
        "| CPU ms a query | 9,000 x 128 | 30.0 | 30 |",
        "| MB | 9,000 x 128 | 612 | 1,000 |",
        "| rows added a CPU s | 9,000 x 128 | 18,000 | 10,000 |",
        "| recall@50 | 990,000 x 128 | 0.900 | 0.99: missed |",
        "| CPU ms a query | 990,000 x 128 | 60.0 |  |",
        "| MB | 990,000 x 128 | 1,200 | 1,000: missed |",
        "| rows added a CPU s | 990,000 x 128 | 90,000 | 10,000 |",
    ]


def test_how_it_was_measured() -> None:
    other = {**RUN, "machine": {**MACHINE, "load": 3.0}}
    lines = search.gallery_about(RUN, other).splitlines()
    assert lines[:2] == ["    python benchmarks/gallery.py"] * 2
    assert "load 0.2 before, load 3.0 before" in " ".join(lines)
    assert "Times are CPU seconds" in " ".join(lines)
    assert lines[-1].endswith("3 rounds.")

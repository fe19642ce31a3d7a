"""Counts the results of Caffe's own tests, from the files that gtest wrote."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit

from pydrdl import cli
from pydrdl.errors import InputError
from pydrdl.files import read_bytes

AGAIN = "run tools/upstream_tests.sh again"
COLUMNS = ("passed", "failed", "skipped")


def outcome(test: dict[str, object]) -> str:
    """One of COLUMNS, for one test of gtest's JSON."""
    if test["status"] == "NOTRUN" or test["result"] == "SKIPPED":
        return "skipped"
    return "failed" if test.get("failures") else "passed"


def read_results(files: list[Path]) -> tuple[dict[str, Counter[str]], list[str]]:
    """Adds up the shards of one run.

    Returns:
        The counts of each suite (its types together, which gtest numbers from
        0), and a line for each test that failed or was skipped.

    Raises:
        InputError: a file cannot be read, or gtest did not write it.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    notes = []
    for file in files:
        data = read_bytes(file, "the results", AGAIN)
        try:
            suites = json.loads(data)["testsuites"]
            for suite in suites:
                for test in suite["testsuite"]:
                    result = outcome(test)
                    counts[suite["name"].split("/")[0]][result] += 1
                    notes += _notes(suite["name"], test, result)
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise InputError(f"no results of gtest: {error}", file, AGAIN) from error
    return dict(sorted(counts.items())), sorted(notes)


def _notes(suite: str, test: dict[str, object], result: str) -> list[str]:
    """A note for a test that did not pass."""
    if result == "passed":
        return []
    failures = test.get("failures", [])
    why = failures[0]["failure"] if failures else ""
    return [f"{result}: {suite}.{test['name']}\n{why}"]


def upstream_table(
    files: Annotated[list[Path], Argument(help="gtest's JSON files of one run.")],
) -> None:
    """Print a table of the test suites, and what failed or was skipped.

    Exit code 1 if a test failed.

    Example: python caffe_layers/test/upstream_table.py build/cpu/upstream_tests/*.json
    """
    counts, notes = read_results(files)
    total = sum(counts.values(), Counter())
    lines = ["| suite | " + " | ".join(COLUMNS) + " |", "| --- | ---: | ---: | ---: |"]
    for name, count in [*counts.items(), (f"all {len(counts)}", total)]:
        cells = " | ".join(str(count[column]) for column in COLUMNS)
        lines.append(f"| {name} | {cells} |")
    for line in lines + notes:
        cli.console.print(line, markup=False, soft_wrap=True)
    if total["failed"] or not total["passed"]:
        raise Exit(1)


if __name__ == "__main__":
    cli.run(upstream_table)

"""The document's tables of what tests/fuzz counted, in Markdown."""

from typing import Any

from documents import as_table, paragraph

Content = dict[str, Any]
RIGHT = ("refused", "accepted")


def about(content: Content) -> str:
    """How much was tried, and by which command."""
    counts = content["kinds"].values()
    cases = sum(sum(verdicts.values()) for verdicts in counts)
    return f"    {content['command']}\n\n" + paragraph(
        f"{cases:,} damaged files, of {content['targets']} pairs of a file and a "
        f"command that reads it, in {content['minutes']:.0f} minutes."
    )


def verdicts(content: Content) -> str:
    """A row for each kind of file; a column for each fault, seen or not."""
    kinds = content["kinds"]
    faults = [v for v in next(iter(kinds.values())) if v not in RIGHT]
    rows = [
        (
            kind,
            f"{sum(counts.values()):,}",
            *(f"{counts[verdict]:,}" for verdict in (*RIGHT, *faults)),
        )
        for kind, counts in kinds.items()
    ]
    total = {v: sum(counts[v] for counts in kinds.values()) for v in (*RIGHT, *faults)}
    rows.append(
        ("all", f"{sum(total.values()):,}", *(f"{n:,}" for n in total.values()))
    )
    return as_table(("file", "cases", *RIGHT, *faults), rows)

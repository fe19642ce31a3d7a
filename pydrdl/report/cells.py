"""Values as text: the same in HTML, Markdown and LaTeX."""

from pydrdl.report.content import Column, Row, Value

HASH_DIGITS = 16  # of a SHA-256; CSV and JSON hold all
MINUS = "\u2212"
NUMERIC = ("count", "rate", "change", "number")


def cell(column: Column, row: Row) -> str:
    """The text of one cell; empty where there is no value."""
    value = row.get(column.key)
    if value is None:
        return ""
    text = _shown(column, value)
    spread = row.get(column.spread) if column.spread else None
    return text if spread is None else f"{text} ± {rate(float(spread))}"


def is_numeric(column: Column) -> bool:
    """Whether the column is set to the right."""
    return column.kind in NUMERIC


def rate(value: float, digits: int = 3) -> str:
    """A fraction of one without its leading zero, as the paper's tables have it."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def change(value: float) -> str:
    """A difference of rates with its sign."""
    sign = MINUS if round(value, 3) < 0 else "+"
    return sign + rate(abs(value))


def plural(count: int, what: str) -> str:
    """A count with its noun."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _shown(column: Column, value: Value) -> str:
    if column.kind == "hash":
        return str(value)[:HASH_DIGITS]
    if column.kind == "count" and value is not None:
        return f"{int(value):,}"
    if column.kind == "rate" and value is not None:
        return rate(float(value))
    if column.kind == "change" and value is not None:
        return change(float(value))
    if column.kind == "number" and value is not None:
        return f"{float(value):.4g}"
    return str(value)

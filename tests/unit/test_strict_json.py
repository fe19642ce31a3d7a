"""JSON as it comes from outside."""

import json
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydrdl.errors import InputError
from pydrdl.strict_json import Count, Form, Rate, declared, parse, read_declared

AGAIN = "make it again"


class Row(Form):
    name: str
    rates: list[Rate]


class Table(Form):
    schema_: Literal["table/1"] | None = None
    rows: list[Row]
    probes: Count
    std: float | None = None


GOOD = {"rows": [{"name": "a", "rates": [0, 0.5, 1]}], "probes": 3}
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(values)
def test_what_python_writes_is_read(content: object) -> None:
    assert parse(json.dumps(content)) == content
    assert parse(b"\xef\xbb\xbf" + json.dumps(content).encode()) == content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"NaN", "NaN is no number of JSON"),
        (b'{"a": [-Infinity]}', "-Infinity is no number of JSON"),
        (b"[1e400]", "1e400 is too large a number"),
        (b"-1e999", "-1e999 is too large a number"),
        (b"[" + b"9" * 100_000 + b"]", "a number of 100,000 digits"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "'b' is given twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": "\xff"}', "not UTF-8: byte 0xff at 7"),
        ('["é"]'.encode("utf-16"), "not UTF-8: byte 0xff at 0"),
    ],
    ids=range(12),
)
def test_what_is_no_json(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert len(str(caught.value)) < 200
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(InputError) as told:
        read_declared(Table, tmp_path / "a.json", "the table", AGAIN)
    assert told.value.what.startswith("cannot read the table: ")
    assert message in told.value.what
    assert (told.value.where, told.value.next_step) == (
        str(tmp_path / "a.json"), AGAIN,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probes": -3}, "probes is -3; expected greater than or equal to 0"),
        ({"probes": 2.0}, "probes is 2.0; expected a valid integer"),
        ({"probes": True}, "probes is True; expected a valid integer"),
        ({"probes": "3"}, "probes is '3'; expected a valid integer"),
        ({"probes": None}, "probes is None; expected a valid integer"),
        ({"std": float("nan")}, "std is nan; expected a finite number"),
        ({"rows": {}}, "rows: expected a valid list"),
        ({"rows": [5]}, r"rows\[0\]; expected an object"),
        ({"rows": [{"rates": []}]}, r"rows\[0\].name is missing"),
        (
            {"rows": [{"name": "a", "rates": [0, 7.5, -3]}]},
            r"rows\[0\].rates\[1\] is 7.5; expected a rate from 0 to 1 "
            r"\(and 1 more faults\)",
        ),
    ],
)
def test_what_is_not_of_the_form(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declared(Table, GOOD | change)


def test_the_form_itself() -> None:
    table = declared(Table, GOOD | {"unknown": 1})
    assert table.rows[0].rates == [0, 0.5, 1]
    assert all(type(rate) is float for rate in table.rows[0].rates)
    with pytest.raises(ValueError, match="expected an object"):
        declared(Table, [])

"""Every command that the documents show can be given, and is run or says why not."""

from pathlib import Path

import pytest
from commands import ROOT
from not_run import NOT_RUN
from shown_commands import DOCUMENTS, Shown, blocks, fault, shown, spans
from walks import WALKS

COMMANDS = [command for path in DOCUMENTS for command in shown(path)]
IN_SENTENCES = sorted({(path.name, text) for path in DOCUMENTS for text in spans(path)})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.document}: {c.text}")
def test_a_shown_command_can_be_given(command: Shown) -> None:
    assert fault(command.text) == ""


@pytest.mark.parametrize("named", IN_SENTENCES, ids=": ".join)
def test_a_command_in_a_sentence_has_these_options(named: tuple[str, str]) -> None:
    assert fault(named[1], whole=False) == ""


def walked(command: Shown) -> bool:
    for walk in WALKS:
        if walk.document == command.document and command.block in walk.blocks:
            left_out = [old for old, new in walk.smaller if new.startswith(":")]
            return not command.text.startswith(tuple(left_out))
    return False


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.document}: {c.text}")
def test_a_shown_command_is_run_or_has_a_reason_not_to(command: Shown) -> None:
    listed = [start for start in NOT_RUN if command.text.startswith(start)]
    assert walked(command) or listed, "put it into walks.py, or into not_run.py"


def test_every_reason_is_of_a_command_and_names_what_is_there() -> None:
    for start, reason in NOT_RUN.items():
        assert any(c.text.startswith(start) and not walked(c) for c in COMMANDS), start
        for word in reason.replace(",", " ").replace(";", " ").split():
            if word.startswith(("tests/", "benchmarks/")):
                assert (ROOT / word).exists(), word


def test_every_walk_is_of_blocks_that_are_there() -> None:
    for walk in WALKS:
        there = blocks(ROOT / walk.document)
        assert all(number < len(there) for number in walk.blocks), walk.document
        text = "".join(there[number] for number in walk.blocks)
        assert [old for old, _ in walk.smaller if old not in text] == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("drdl eval-cmc a.h5 --names b", "No such option"),
        ("drdl evaluate a.h5", "no command 'evaluate'"),
        ("python tools/eval_cmc.py", "Missing argument"),
        ("python tools/dataset.py sheet photos", "no command 'sheet'"),
        (
            "OPENBLAS_NUM_THREADS=1 python tools/trian.py --solver a",
            "no tools/trian.py",
        ),
        ("python benchmarks/training.py --hours 3", "no option --hours"),
        ("tools/setup.sh cpu --fast", "no option --fast"),
        ("rm -rf data", "there is no rm"),
    ],
)
def test_commands_that_cannot_be_given_are_seen(command: str, why: str) -> None:
    assert why in fault(command)


def test_commands_are_found(tmp_path: Path) -> None:
    path = ROOT / "docs/../docs/README.md"
    assert list(shown(path)) == []
    text = (
        "One `drdl serve`:\n\n```\npython a.py \\\n  --b  # why\n\nc\n```\n\n"
        "```text\nno\n```\n\n    drdl x\n\n- a list\n  goes on\n"
    )
    page = tmp_path / "a.md"
    page.write_text(text)
    assert blocks(page) == ["python a.py \\\n  --b  # why\n\nc\n", "drdl x\n"]
    assert list(spans(page)) == ["drdl serve"]

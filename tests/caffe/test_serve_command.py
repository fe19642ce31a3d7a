"""`drdl serve` as a command: how it ends, and what its help says."""

import signal

import pytest
from commands import PIPE, start, tool
from in_process import run_here
from search_folder import make_search_folder, make_seen_gallery

pytest.importorskip("lancedb", reason="the extra search is not installed")
pytest.importorskip("fastapi", reason="the extra search is not installed")


def heard() -> None:
    """Commands that ran in this process have left Ctrl-C to change nothing."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_how_it_ends(tmp_path) -> None:
    folder = make_search_folder(tmp_path / "made")
    make_seen_gallery(folder)
    for number in (signal.SIGINT, signal.SIGHUP):
        words = (*tool("serve.py"), "--gallery", "g", "--port", 0)
        with start(*words, cwd=folder, stdout=PIPE, stderr=PIPE, before=heard) as child:
            assert child.stdout and child.stderr
            assert child.stdout.readline().startswith("open http")
            child.send_signal(number)
            assert child.wait(timeout=120) == 128 + number
            assert child.stderr.read() == "the server has ended\n"


def test_help(tmp_path) -> None:
    text = run_here("serve", "--help", cwd=tmp_path).stdout
    assert "Port to listen at" in text and "The same" not in text

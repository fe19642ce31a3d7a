"""The timing of whole commands: what is killed, given again, or failed."""

import os
import sys
import time
from pathlib import Path

import pytest
from commands import ROOT

sys.path.append(str(ROOT / "benchmarks"))
import whole_commands

from pydrdl.errors import InputError


def python(folder: Path, text: str) -> list[str]:
    (folder / "script.py").write_text(text)
    return [sys.executable, "script.py"]


def test_a_killed_command_is_given_again_and_its_time_goes_on(tmp_path: Path) -> None:
    words = python(
        tmp_path,
        "import pathlib, time\n"
        "again = pathlib.Path('again').exists()\n"
        "pathlib.Path('again').touch()\n"
        "time.sleep(0 if again else 60)\n"
        "print('done')\n",
    )
    seconds, _, text = whole_commands.run(words, tmp_path, kill_after=1)
    assert 1 < seconds < 30 and text == "done\n"


def test_a_command_that_fails_or_ends_too_soon_is_an_error(tmp_path: Path) -> None:
    words = python(tmp_path, "import sys; sys.exit('no paper left')")
    with pytest.raises(InputError, match="ended with 1, expected 0") as caught:
        whole_commands.run(words, tmp_path)
    assert "no paper left" in str(caught.value)
    with pytest.raises(InputError, match="ended with 1, expected -9"):
        whole_commands.run(words, tmp_path, kill_after=1)


def test_an_interrupt_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = python(
        tmp_path,
        "import os, pathlib, time\n"
        "pathlib.Path('part').write_text(str(os.getpid()))\n"
        "os.rename('part', 'pid')\n"
        "time.sleep(60)\n",
    )
    pid, sleep = tmp_path / "pid", time.sleep

    def interrupted(_: float) -> None:
        for _ in range(3000):
            if pid.exists():
                break
            sleep(0.01)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(whole_commands.time, "sleep", interrupted)
        whole_commands.run(words, tmp_path, kill_after=1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_largest_process_counts(tmp_path: Path) -> None:
    words = python(
        tmp_path,
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'b = bytearray(300_000_000)'])\n",
    )
    assert whole_commands.run(words, tmp_path)[1] > 300e6

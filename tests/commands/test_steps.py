"""Chains of commands: each step once, anew where its recipe changed, resumable."""

import json
import signal
import time
from pathlib import Path

import pytest
from commands import PIPE, ROOT, Done, python, run, start

from pydrdl.errors import InputError
from pydrdl.reproduce.runner import Event, run_steps
from pydrdl.reproduce.steps import Step, StepRecord, log_of

# Appends its name to a diary, then makes its output from its inputs, at once.
TOOL = """
import os, pathlib, sys
name, diary, output, *inputs = sys.argv[1:]
with open(diary, "a") as file:
    print(name, file=file)
text = "".join(pathlib.Path(i).read_text() for i in inputs) + name
pathlib.Path(output + ".partial").write_text(text)
os.replace(output + ".partial", output)
print("made", name)
"""


def step(work: Path, name: str, *after: str, tag: str = "") -> Step:
    inputs = [str(work / a) for a in after]
    words = ("python", "-c", TOOL, name + tag, str(work / "diary"), str(work / name))
    return Step(name, (*words, *inputs), work / name, after)


def seconds_of(step: Step, work: Path) -> float | None:
    """How long the last attempt at a step ran that is done; None before."""
    return StepRecord(work, step).seconds


def diary(work: Path) -> list[str]:
    file = work / "diary"
    return file.read_text().split() if file.exists() else []


def test_runs_each_step_once_in_order(tmp_path: Path) -> None:
    chain = [step(tmp_path, "a"), step(tmp_path, "b", "a"), step(tmp_path, "c", "b")]
    events: list[Event] = []
    run_steps(chain, tmp_path, events.append)
    run_steps(chain, tmp_path, events.append)
    assert diary(tmp_path) == ["a", "b", "c"]
    assert (tmp_path / "c").read_text() == "abc"
    assert [e.ran for e in events] == [True] * 6 + [False] * 3
    assert [e.number for e in events[6:]] == [1, 2, 3]
    assert log_of(chain[0], tmp_path).read_text() == "made a\n"
    assert (seconds_of(chain[2], tmp_path) or 0) > 0


def test_what_a_kill_after_the_last_step_left_is_deleted(tmp_path: Path) -> None:
    """The output has its name; what it was made from lies beside it still."""
    chain = [step(tmp_path, "a")]
    run_steps(chain, tmp_path)
    (tmp_path / "a.partial").write_text("half of a")
    run_steps(chain, tmp_path)
    assert diary(tmp_path) == ["a"]
    assert not (tmp_path / "a.partial").exists()


@pytest.mark.parametrize("text", ["3.5", "null", '["recipe"]', "{", "[" * 100_000])
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    """What it was of is not known: the output is no step's."""
    chain = [step(tmp_path, "a")]
    run_steps(chain, tmp_path)
    (tmp_path / "steps/a.json").write_text(text)
    assert seconds_of(chain[0], tmp_path) is None
    with pytest.raises(InputError, match="step a has not made it"):
        run_steps(chain, tmp_path)
    assert diary(tmp_path) == ["a"]


def test_a_changed_command_is_made_anew_with_all_that_reads_it(tmp_path: Path) -> None:
    def chain(tag: str) -> list[Step]:
        return [
            step(tmp_path, "a"),
            step(tmp_path, "b", tag=tag),
            step(tmp_path, "c", "b"),
            step(tmp_path, "d", "a"),
        ]

    run_steps(chain(""), tmp_path)
    run_steps(chain("2"), tmp_path)
    assert diary(tmp_path) == ["a", "b", "c", "d", "b2", "c"]
    assert (tmp_path / "c").read_text() == "b2c"


def test_the_folder_of_an_output_is_there_when_its_step_runs(tmp_path: Path) -> None:
    run_steps([step(tmp_path, "some/where/a")], tmp_path)
    assert (tmp_path / "some/where/a").exists()


def test_a_changed_input_file_is_seen(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("1")
    command = ("python", "-c", TOOL, "a", str(tmp_path / "diary"), str(tmp_path / "a"))
    chain = [Step("a", command, tmp_path / "a", files=(given,))]
    run_steps(chain, tmp_path)
    given.write_text("2")
    run_steps(chain, tmp_path)
    run_steps(chain, tmp_path)
    assert diary(tmp_path) == ["a", "a"]
    given.unlink()
    with pytest.raises(InputError, match="cannot read an input"):
        run_steps(chain, tmp_path)


def test_a_lost_output_is_made_again(tmp_path: Path) -> None:
    chain = [step(tmp_path, "a"), step(tmp_path, "b", "a")]
    run_steps(chain, tmp_path)
    (tmp_path / "a").unlink()
    run_steps(chain, tmp_path)
    assert diary(tmp_path) == ["a", "b", "a"]


def test_a_failure_names_step_log_and_its_end(tmp_path: Path) -> None:
    words = ("python", "-c", "print('the reason'); raise SystemExit(3)")
    chain = [step(tmp_path, "a"), Step("bad/one", words, tmp_path / "x", ("a",))]
    with pytest.raises(InputError, match="bad/one failed with exit code 3") as caught:
        run_steps(chain, tmp_path)
    assert "the reason" in caught.value.what
    assert caught.value.where == str(tmp_path / "logs" / "bad" / "one.log")
    assert seconds_of(chain[1], tmp_path) is None


def test_a_command_that_makes_nothing_is_no_success(tmp_path: Path) -> None:
    chain = [Step("a", ("python", "-c", ""), tmp_path / "a")]
    with pytest.raises(InputError, match="without its output"):
        run_steps(chain, tmp_path)


def test_what_another_made_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(InputError, match="has not made it"):
        run_steps([step(tmp_path, "a")], tmp_path)
    assert (tmp_path / "a").read_text() == "mine"


def test_two_commands_cannot_work_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "chain.json").write_text("[]")
    inner = ("python", "-c", SECOND, CHAIN, str(tmp_path), str(tmp_path / "a"))
    run_steps([Step("a", inner, tmp_path / "a")], tmp_path)
    assert "another command works" in (tmp_path / "a").read_text()


# Makes its output when another step's sign is there, and leaves its own.
MEET = """
import pathlib, sys, time
mine, other, output = map(pathlib.Path, sys.argv[1:])
mine.touch()
for _ in range(1000):
    if other.exists():
        output.touch()
        break
    time.sleep(0.01)
"""


def meeting(work: Path, name: str, other: str) -> Step:
    files = (str(work / f"{n}.sign") for n in (name, other))
    words = ("python", "-c", MEET, *files, str(work / name))
    return Step(name, words, work / name)


def test_jobs_run_at_a_time_and_wait_for_what_they_read(tmp_path: Path) -> None:
    chain = [
        meeting(tmp_path, "a", "b"),
        meeting(tmp_path, "b", "a"),
        step(tmp_path, "c", "a", "b"),
        step(tmp_path, "d", "c"),
        step(tmp_path, "e"),
    ]
    events: list[Event] = []
    run_steps(chain, tmp_path, events.append, jobs=3)
    assert (tmp_path / "d").read_text() == "cd"
    assert {e.number for e in events if e.seconds is not None} == {1, 2, 3, 4, 5}
    run_steps(chain, tmp_path, events.append, jobs=3)
    assert sorted(diary(tmp_path)) == ["c", "d", "e"]


# FAIL tells its process's number and fails; OUTLIVE waits until that process is no
# more: whoever started it has been told of its end.
FAIL = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); 1 / 0"
OUTLIVE = """
import os, pathlib, sys, time
number, output = map(pathlib.Path, sys.argv[1:])
while not (number.exists() and number.read_text()):
    time.sleep(0.01)
try:
    while True:
        os.kill(int(number.read_text()), 0)
        time.sleep(0.01)
except ProcessLookupError:
    output.touch()
"""


def test_beside_a_failure_a_step_ends_and_none_begins(tmp_path: Path) -> None:
    # "good" ends only after "bad" has failed.
    number = str(tmp_path / "number")
    outlive = ("python", "-c", OUTLIVE, number, str(tmp_path / "good"))
    chain = [
        Step("good", outlive, tmp_path / "good"),
        Step("bad", ("python", "-c", FAIL, number), tmp_path / "bad"),
        step(tmp_path, "never", "good"),
        step(tmp_path, "neither"),
    ]
    with pytest.raises(InputError, match="bad failed with exit code 1"):
        run_steps(chain, tmp_path, jobs=2)
    assert (seconds_of(chain[0], tmp_path) or 0) > 0
    assert diary(tmp_path) == []


# Writes what a chain says that is begun while another works in its folder.
SECOND = """
import subprocess, sys
chain, work, output = sys.argv[1:]
words = [sys.executable, "-c", chain, work]
done = subprocess.run(words, capture_output=True, text=True, env={"PYTHONPATH": ROOT})
open(output, "w").write(done.stderr)
""".replace("ROOT", repr(str(ROOT)))
CHAIN = """
import json, sys
from pathlib import Path
from pydrdl.reproduce.runner import run_steps
from pydrdl.reproduce.steps import Step
work = Path(sys.argv[1])
run_steps([
    Step(name, tuple(words), Path(output), tuple(after))
    for name, words, output, after in json.loads((work / "chain.json").read_text())
], work)
"""


def run_chain(work: Path) -> Done:
    return run(*python(CHAIN), work)


@pytest.mark.parametrize("killed", ["a", "b", "c"])
def test_goes_on_after_kill_9_in_any_step(tmp_path: Path, killed: str) -> None:
    """Each command kills the whole chain when it first runs, its output made."""
    suicide = TOOL + "\nimport signal\n" + "os.kill(os.getppid(), signal.SIGKILL)\n"
    chain = []
    for name, after in (("a", []), ("b", ["a"]), ("c", ["a", "b"])):
        words = list(step(tmp_path, name, *after).command)
        if name == killed:
            words[2] = f"first = {str(tmp_path / 'first')!r}\n" + suicide.replace(
                "os.kill",
                "pathlib.Path(first).exists() or pathlib.Path(first).touch() "
                "or os.kill",
            )
        chain.append((name, words, str(tmp_path / name), after))
    (tmp_path / "chain.json").write_text(json.dumps(chain))
    assert run_chain(tmp_path).returncode == -signal.SIGKILL
    assert run_chain(tmp_path).returncode == 0
    assert run_chain(tmp_path).returncode == 0
    assert (tmp_path / "c").read_text() == "aabc"
    # The output of the killed step stood whole: no step runs twice.
    assert diary(tmp_path) == ["a", "b", "c"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_steps_commands_too(
    tmp_path: Path, number: signal.Signals
) -> None:
    """It reaches the chain alone, as `kill` sends it, while two steps run."""
    waits = """
import os, pathlib, signal, sys, time
def end(number, frame):
    pathlib.Path(sys.argv[1] + ".told").write_text(str(number))
    raise SystemExit(3)
signal.signal(signal.SIGTERM, end)
if pathlib.Path(sys.argv[1] + ".ready").exists():
    raise SystemExit(4)
pathlib.Path(sys.argv[1] + ".ready").touch()
time.sleep(60)
"""
    chain = []
    for name in ("a", "b"):
        words = ("python", "-c", waits, str(tmp_path / name))
        chain.append((name, words, str(tmp_path / name), []))
    (tmp_path / "chain.json").write_text(json.dumps(chain))
    code = CHAIN.replace("], work)", "], work, jobs=2)").replace("\n", "\n    ")
    tool = f"from pydrdl import cli\ndef chain(work: str):{code}\ncli.run(chain)"
    with start(*python(tool), tmp_path, stderr=PIPE) as job:
        while len(list(tmp_path.glob("*.ready"))) < 2 and job.poll() is None:
            time.sleep(0.01)
        job.send_signal(number)
        _, shown = job.communicate(timeout=50)
    assert job.returncode == 128 + number
    assert len(shown.splitlines()) == 1 and "run the same command again" in shown
    told = {path.read_text() for path in tmp_path.glob("*.told")}
    assert told == {str(int(signal.SIGTERM))}
    # The folder is free, and no step counts as done.
    assert "a failed with exit code 4" in run_chain(tmp_path).stderr


def test_no_chain_works_beside_a_step_that_outlived_its_own(tmp_path: Path) -> None:
    """The step kills its chain when it first runs, and ends when it is let."""
    first, end = tmp_path / "first", tmp_path / "end"
    outlives = f"""
import os, pathlib, signal, time
first, end = pathlib.Path({str(first)!r}), pathlib.Path({str(end)!r})
if not first.exists():
    first.touch()
    os.kill(os.getppid(), signal.SIGKILL)
    for _ in range(6000):  # a minute, should the test fail
        if end.exists():
            break
        time.sleep(0.01)
"""
    words = list(step(tmp_path, "a").command)
    words[2] = outlives + TOOL
    chain = [("a", words, str(tmp_path / "a"), [])]
    (tmp_path / "chain.json").write_text(json.dumps(chain))
    assert run_chain(tmp_path).returncode == -signal.SIGKILL
    refused = run_chain(tmp_path)
    assert refused.returncode == 1 and "another command works" in refused.stderr
    assert diary(tmp_path) == []
    end.touch()
    assert run_chain(tmp_path).returncode == 0
    assert diary(tmp_path) == ["a"]

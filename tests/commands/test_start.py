"""Signals end a tool in one way, whenever they come."""

import signal
import sys
from pathlib import Path

import pytest
from commands import ROOT, Done, run, run_tool

TOOLS = sorted(path.name for path in (ROOT / "tools").glob("*.py"))
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LINES = {
    signal.SIGINT: "interrupted; run the same command again to go on\n",
    signal.SIGTERM: "stopped; run the same command again to go on\n",
    signal.SIGHUP: "stopped; run the same command again to go on\n",
}
# A tool of one command, whose body is to be filled in.
TOOL = """
from pydrdl import start
start.begin(__name__)
import os, signal, sys, time
from pathlib import Path
from pydrdl import cli
from pydrdl.files import whole_file

def me(number):
    os.kill(os.getpid(), number)

def command(output: Path):
{body}

if __name__ == "__main__":
    cli.run(command)
"""


def tool(folder: Path, body: str, *, start: str = "", first: str = "") -> Done:
    """Runs a tool with this body in a folder."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    path = folder / "tool.py"
    path.write_text(first + TOOL.format(body=lines))
    command = [sys.executable, str(path), str(folder / "out")]
    if start:
        command = ["sh", "-c", start, "sh", *command]
    return run(*command, session=True)


def test_there_are_tools() -> None:
    assert len(TOOLS) > 15


def signalled_during_imports(name: str, number: signal.Signals, folder: Path) -> Done:
    """It comes while typer is imported, which here is a file that sends it."""
    (folder / "typer.py").write_text(
        f"import os\nos.kill(os.getpid(), {number:d})\nraise SystemExit(77)\n"
    )
    return run_tool(name, cwd=folder, PYTHONPATH=f"{folder}:{ROOT}")


@pytest.mark.parametrize("name", TOOLS)
def test_an_interrupt_during_imports(name: str, tmp_path: Path) -> None:
    done = signalled_during_imports(name, signal.SIGINT, tmp_path)
    assert (done.returncode, done.stderr) == (130, LINES[signal.SIGINT])
    assert done.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_another_signal_during_imports(number: signal.Signals, tmp_path: Path) -> None:
    done = signalled_during_imports(TOOLS[0], number, tmp_path)
    assert (done.returncode, done.stderr) == (CODES[number], LINES[number])
    assert done.stdout == ""


@pytest.mark.parametrize("number", CODES)
def test_a_signal_at_work_clears_away_what_is_half_made(
    number: signal.Signals, tmp_path: Path
) -> None:
    body = f"""
with whole_file(output) as part:
    part.write_text("half")
    me({number:d})
    time.sleep(60)
"""
    done = tool(tmp_path, body)
    assert (done.returncode, done.stderr) == (CODES[number], LINES[number])
    assert [path.name for path in tmp_path.iterdir()] == ["tool.py"]


def test_a_signal_sent_twice_clears_away_too(tmp_path: Path) -> None:
    """As `timeout` sends it, to the process and to its group."""
    body = """
try:
    me(signal.SIGTERM)
    time.sleep(60)
finally:
    me(signal.SIGTERM)
    output.write_text("cleared away")
"""
    done = tool(tmp_path, body)
    assert (done.returncode, done.stderr) == (143, LINES[signal.SIGTERM])
    assert (tmp_path / "out").read_text() == "cleared away"


def test_a_second_wish_ends_it_at_once(tmp_path: Path) -> None:
    body = """
from pydrdl import signals
try:
    me(signal.SIGINT)
    time.sleep(60)
finally:
    signals.ONE_WISH = 0
    me(signal.SIGINT)
    time.sleep(60)
"""
    done = tool(tmp_path, body)
    assert (done.returncode, done.stderr) == (130, LINES[signal.SIGINT])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_not_heard_ends_it_too(
    number: signal.Signals, tmp_path: Path
) -> None:
    """A library does not return: the process ends after 5 + 14 seconds."""
    body = f"""
import hashlib, threading
wait = threading.Timer(0.2, me, [{number:d}])
wait.daemon = True
wait.start()
hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""
    # The deadline is made before the body runs: its signal is set at the start.
    first = "from pydrdl import signals\nsignals.SIGNAL = 5\n"
    done = tool(tmp_path, body, first=first)
    assert (done.returncode, done.stderr) == (-signal.SIGALRM, "")


@pytest.mark.slow
def test_a_signal_just_before_a_call_that_waits_is_heard(tmp_path: Path) -> None:
    """What waits is not interrupted by it, as here, where another thread takes it."""
    body = """
import threading
threading.Timer(0.2, me, [signal.SIGTERM]).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
try:
    os.read(os.pipe()[0], 1)
finally:
    output.write_text("cleared away")
"""
    first = "from pydrdl import signals\nsignals.SIGNAL = 5\n"
    done = tool(tmp_path, body, first=first)
    assert (done.returncode, done.stderr) == (143, LINES[signal.SIGTERM])
    assert (tmp_path / "out").read_text() == "cleared away"


@pytest.mark.slow
def test_a_signal_is_heard_after_another_threads_fault_was(tmp_path: Path) -> None:
    """The fault's signal, too, came before a call that waits, and was called again."""
    body = """
import threading
from pydrdl.parallel import faults_passed_on
def work():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, masked)
    raise ValueError
masked = [signal.SIGTERM, signal.SIGUSR1]
signal.pthread_sigmask(signal.SIG_BLOCK, masked)
with faults_passed_on():
    threading.Timer(0.2, work).start()
    try:
        os.read(os.pipe()[0], 1)
    except ValueError:
        pass
def late():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, masked)
    me(signal.SIGTERM)
threading.Timer(0.2, late).start()
os.read(os.pipe()[0], 1)
"""
    first = "from pydrdl import signals\nsignals.SIGNAL = 3\n"
    done = tool(tmp_path, body, first=first)
    assert (done.returncode, done.stderr) == (143, LINES[signal.SIGTERM])


def test_a_signal_that_is_heard_has_no_deadline(tmp_path: Path) -> None:
    body = """
try:
    me(signal.SIGTERM)
    time.sleep(60)
finally:
    left = signal.alarm(0)
    output.write_text(str(left))
"""
    assert tool(tmp_path, body).returncode == 143
    assert (tmp_path / "out").read_text() == "0"


def test_a_signal_in_a_finalizer_is_not_lost(tmp_path: Path) -> None:
    body = """
class Last:
    def __del__(self):
        me(signal.SIGINT)
        for _ in range(1000):
            pass
Last()
time.sleep(60)
"""
    done = tool(tmp_path, body)
    assert (done.returncode, done.stderr) == (130, LINES[signal.SIGINT])


def test_what_ends_a_thread_ends_the_command(tmp_path: Path) -> None:
    """The main thread may wait for the other, for ever."""
    body = """
import threading
def work():
    raise OSError(28, "No space left on device", "f")
thread = threading.Thread(target=work)
lock = threading.Lock()
lock.acquire()
thread.start()
lock.acquire()
"""
    done = tool(tmp_path, body)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot use a file: No space left on device")


@pytest.mark.parametrize("number", CODES)
def test_a_signal_to_the_whole_group(number: signal.Signals, tmp_path: Path) -> None:
    """As a terminal sends it, while processes are still starting."""
    body = f"""
from pydrdl.parallel import Pool
with Pool(2) as pool:
    for _ in range(4):
        pool.submit(time.sleep, 0.01)
    os.killpg(0, {number:d})
    time.sleep(60)
"""
    done = tool(tmp_path, body)
    assert (done.returncode, done.stderr) == (CODES[number], LINES[number])


def test_a_signal_after_the_work_changes_nothing(tmp_path: Path) -> None:
    body = """
import atexit
atexit.register(me, signal.SIGINT)
print("done")
"""
    done = tool(tmp_path, body)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    body = 'me(signal.SIGHUP)\nme(signal.SIGINT)\nprint("done")'
    done = tool(tmp_path, body, start='trap "" HUP INT; "$@"')
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_nothing_is_printed_into_a_file(tmp_path: Path) -> None:
    """A file that takes the number of a closed stream would get what is printed."""
    body = """
with output.open("w") as file:
    file.write("content\\n")
    file.flush()
    for number in (1, 2):
        os.write(number, b"from a library\\n")
"""
    done = tool(tmp_path, body, start='"$@" <&- >&- 2>&-')
    assert done.returncode == 0
    assert (tmp_path / "out").read_text() == "content\n"


@pytest.mark.parametrize(
    "content",
    ["import absent_module", "raise OSError(24, 'Too many open files', 'x.so')"],
)
def test_what_cannot_be_imported_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(content)
    done = run_tool("eval_cmc.py", cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 3
    assert lines[0].startswith("error: cannot import what the tool needs: ")
    assert lines[1] == f"  where: {sys.executable}"
    assert lines[2].startswith("  next: ")

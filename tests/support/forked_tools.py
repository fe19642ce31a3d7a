"""Tools run again and again, each in a fork of a process that has imported all."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from commands import PIPE, start

SERVER = Path(__file__).with_name("crash_server.py")
QUIET = {
    "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1",
    "GLOG_minloglevel": "2",
}  # fmt: skip


class Run(Protocol):
    """Runs a tool; see crash_server.py."""

    def __call__(
        self, step: int, argv: list[str], limits: dict[str, int] | None = None
    ) -> tuple[int, str]:
        """Exit code and output.

        Args:
            step: at which it is killed; 0: it runs to its end.
            argv: the tool and its words.
            limits: of the system, such as {"FSIZE": 4096}.
        """


@contextmanager
def forked_tools() -> Iterator[Run]:
    """Yields what runs a tool."""
    command = sys.executable, SERVER
    with start(*command, stdin=PIPE, stdout=PIPE, **QUIET) as server:
        assert server.stdin and server.stdout

        def run(
            step: int, argv: list[str], limits: dict[str, int] | None = None
        ) -> tuple[int, str]:
            request = {"argv": argv, "step": step, "limits": limits or {}}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            return answer["code"], answer["output"]

        yield run
        server.stdin.close()

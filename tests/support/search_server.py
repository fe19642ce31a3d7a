"""A `drdl serve` that runs, and short words to ask it with."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from commands import PIPE, start, tool

TOKEN = "0123456789abcdefTOKEN"
BEARER = {"authorization": f"Bearer {TOKEN}"}
COOKIE = {"cookie": f"drdl_token={TOKEN}"}


@dataclass
class Server:
    """One that runs."""

    folder: Path
    port: int

    def ask(
        self, method: str, path: str, *, headers: dict | None = BEARER, **more: Any
    ):
        """An answer, redirections not followed."""
        pool = urllib3.PoolManager(retries=False)
        address = f"http://127.0.0.1:{self.port}{path}"
        return pool.request(
            method, address, headers=headers or {}, redirect=False, timeout=60, **more
        )

    def photo(self, name: str) -> tuple[str, bytes]:
        """A photograph of the folder, as a field of a form."""
        return name, (self.folder / name).read_bytes()

    def search(self, name: str, **fields: object):
        text = {key: str(value) for key, value in fields.items()}
        return self.ask("POST", "/search", fields={"photo": self.photo(name), **text})

    def found(self, name: str, **fields: object) -> dict:
        answer = self.search(name, **fields)
        assert answer.status == 200, answer.data
        return answer.json()


@contextmanager
def serving(folder: Path, gallery: str = "g") -> Iterator[Server]:
    """A server over a gallery of a folder, which ends well."""
    words = (*tool("serve.py"), "--gallery", gallery, "--port", 0)
    with start(*words, cwd=folder, stdout=PIPE, stderr=PIPE, DRDL_TOKEN=TOKEN) as child:
        try:
            assert child.stdout and child.stderr
            line = child.stdout.readline()
            match = re.fullmatch(
                r"open http://127\.0\.0\.1:(\d+)/\?token=(\S+)\n", line
            )
            assert match and match[2] == TOKEN, child.stderr.read()
            yield Server(folder, int(match[1]))
        finally:
            child.terminate()
            errors = child.stderr.read()
            assert child.wait(timeout=120) == 128 + 15, errors
            (folder / "stderr").write_text(errors)

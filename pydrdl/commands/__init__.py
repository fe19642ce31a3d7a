"""The commands, one function each: `drdl COMMAND`, and tools/COMMAND.py.

A module here imports what takes long where a command needs it, so that --help
answers at once.
"""

from pydrdl import start


def tool(caller: str, *names: str) -> None:
    """Runs one of the commands, or several by their functions' names, as a script.

    caller is the script's __name__; where that is not what was started, nothing is
    done.
    """
    start.begin(caller)  # before the imports that take long
    if caller == "__main__":
        from pydrdl.commands import drdl

        drdl.run_tool(names)


def main() -> None:
    """Runs `drdl`."""
    start.begin("__main__")
    from pydrdl.commands import drdl

    drdl.run()

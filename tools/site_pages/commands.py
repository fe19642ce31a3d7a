"""The page of commands: what `drdl COMMAND --help` says."""

import typer

from pydrdl.commands import drdl

WIDTH = 88


def page() -> str:
    """Its Markdown."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    for function in drdl.COMMANDS:
        app.command()(function)
    group = typer.main.get_command(app)
    parts = [
        "# Commands\n\nIn the order of work, with what `--help` says of each. "
        "`drdl COMMAND` and `python tools/COMMAND.py` are the same.\n"
    ]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        context = command.make_context(
            f"drdl {name}", [], resilient_parsing=True, terminal_width=WIDTH,
            max_content_width=WIDTH,
        )  # fmt: skip
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)

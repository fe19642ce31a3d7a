"""`drdl`: all commands by their names, in the order of work."""

import os
import sys
from collections.abc import Callable, Sequence

import typer

from pydrdl import cli
from pydrdl.commands import (
    build,
    check,
    environment,
    evaluate,
    explain,
    export,
    features,
    gradcheck,
    index,
    logs,
    models,
    nets,
    render,
    report,
    reproduce,
    search,
    serve,
    train,
)

COMMANDS: tuple[Callable[..., None], ...] = (
    check.check,
    check.show,
    check.two_camera_lists,
    render.render_vehicleid,
    render.render_compcars,
    build.build_lmdb,
    build.verify_lmdb,
    nets.make_nets,
    nets.init_weights,
    gradcheck.gradcheck,
    train.train,
    logs.parse_log,
    logs.plot_training,
    features.extract_features,
    features.joint_bayesian,
    features.svm,
    evaluate.eval_cmc,
    evaluate.eval_map,
    evaluate.eval_verification,
    index.index,
    search.search,
    serve.serve,
    explain.explain,
    export.export,
    models.model_card,
    models.models,
    report.report,
    reproduce.reproduce,
    environment.environment,
)


def run() -> None:
    """Runs the command that the first word names."""
    names = {found.__name__.replace("_", "-"): found for found in COMMANDS}
    if sys.argv[1:] and sys.argv[1] in names:
        # Alone, since for one of several typer imports pydantic, even to help.
        command = names[sys.argv[1]]
        sys.argv[:2] = [" ".join(sys.argv[:2])]
        cli.run(command)
    # By this typer lets --show-completion name the shell; a guess may be wrong.
    os.environ.setdefault("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    app = typer.Typer(
        name="drdl",
        help="Deep Relative Distance Learning: vehicle re-identification on Caffe.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    cli.run(*COMMANDS, app=app)


def run_tool(names: Sequence[str]) -> None:
    """Runs one of the commands, or several by their names, as a script."""
    cli.run(*(found for found in COMMANDS if found.__name__ in names))

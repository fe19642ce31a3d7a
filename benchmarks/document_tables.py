"""Writes the documents' tables anew from the committed results.

Their sentences that say a number are held against the results too.
"""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import figures
import tables_of_benchmarks as benchmarks
import tables_of_engine as engine
import tables_of_fuzz as fuzz
import tables_of_gpu_budget as gpu
import tables_of_nets as nets
import tables_of_rates as rates
import tables_of_results as results
import tables_of_search as search
from documents import Marked, rewritten, tables
from sentences import Said, not_said, numbers_outside
from typer import Exit, Option

from pydrdl import cli
from pydrdl.errors import InputError
from pydrdl.files import write_text

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "docs/start.md",
    "docs/vehicleid.md",
    "docs/layers.md",
    "docs/benchmarks.md",
    "docs/engine.md",
    "docs/results.md",
    "docs/fine_tuning.md",
    "docs/paper_net.md",
    "docs/choices.md",
    "docs/rendered.md",
    "docs/two_camera.md",
    "docs/testing.md",
    "docs/search.md",
    "docs/explain.md",
    "docs/scale.md",
)
RESULTS = "docs"
REPRODUCED = "drdl.reproduced/1"


@dataclass(frozen=True)
class Made:
    """A table or figure, and where it comes from.

    Attributes:
        make: takes each file's content, gives Markdown, or SVG of a figure.
        schema: that all files must have.
        files: in RESULTS; without all of them, the table stays as it is.
    """

    make: Callable[..., str]
    schema: str
    files: tuple[str, ...]

    @property
    def source(self) -> str:
        """What the mark says of it."""
        return ", ".join(self.files) or "the code"


def _of_benchmark(
    name: str, version: int, *files: str, **make: Callable[..., str]
) -> dict[str, Made]:
    schema = f"drdl.bench_{name}/{version}"
    found = tuple(f"benchmarks/{file}.json" for file in files or (name,))
    first = files[0] if files else name
    return {f"{first}.{part}": Made(work, schema, found) for part, work in make.items()}


def _of_results(file: str, *names: str) -> dict[str, Made]:
    made = {
        "conditions": results.conditions,
        **{_key(name): results.table(name) for name in names},
    }
    files = (f"{file}.json",)
    return {
        f"{file}.{part}": Made(work, REPRODUCED, files) for part, work in made.items()
    }


def _key(name: str) -> str:
    """As reproduce.py calls a table: fig10 of "Fig. 10"."""
    return "".join(filter(str.isalnum, name)).lower()


FIGURES: Mapping[str, Made] = {
    "growth.svg": Made(figures.growth, REPRODUCED, ("results_growth.json",)),
}
TABLES: Mapping[str, Made] = {
    **_of_results("results", "Table 6", "Table 4", "Held-out", "Convergence"),
    **_of_results("results_ablations", "Ablations"),
    **_of_results("results_fig10", "Fig. 10"),
    **_of_results("results_table3", "Table 3"),
    **_of_results("results_softmax", "Softmax"),
    **_of_results(
        "results_larger", "Table 6", "Table 4", "Held-out", "Convergence", "Fig. 10"
    ),
    **_of_results("results_larger_classifiers", "Fig. 10"),
    **_of_results("results_gradients", "Gradients"),
    **_of_results("results_growth", "Growth"),
    **_of_results("results_larger_ablations", "Ablations"),
    **_of_results("results_paper_net", "Paper's net"),
    **_of_results("two_camera_baselines", "Baselines"),
    **_of_results("two_camera_methods", "Photographs"),
    **_of_results("two_camera_changes", "Generalisation"),
    "demo": Made(rates.demo, "drdl.rates/1", ("demo.json",)),
    "processors": Made(
        rates.processors, "drdl.rates/1", ("demo.json", "processors.json")
    ),
    "fuzz.about": Made(fuzz.about, "drdl.fuzz/1", ("fuzz.json",)),
    "fuzz.verdicts": Made(fuzz.verdicts, "drdl.fuzz/1", ("fuzz.json",)),
    "rendered.hardness": Made(
        rates.hardness, "drdl.rendered_hardness/1", ("rendered.json",)
    ),
    "explain.marks": Made(rates.marks, "drdl.explanations/1", ("explain.json",)),
    "rendered.presets": Made(rates.presets, "", ()),
    "rendered_compcars.levels": Made(
        rates.levels, "drdl.rendered_compcars/1", ("rendered_compcars.json",)
    ),
    "rendered_compcars.presets": Made(rates.catalogues, "", ()),
    **_of_benchmark(
        "pair_set_data", 2,
        about=benchmarks.pair_set_data_about,
        rates=benchmarks.pair_set_data_rates,
        ratios=benchmarks.pair_set_data_ratios,
    ),
    **_of_benchmark(
        "loss_layers", 2, "loss_layers", "loss_layers_all_threads",
        about=nets.losses_about,
        ratios=nets.losses,
        bandwidth=nets.losses_bandwidth,
    ),
    **_of_benchmark(
        "build_lmdb", 2,
        about=benchmarks.build_lmdb_about,
        rates=benchmarks.build_lmdb_rates,
        ratios=benchmarks.build_lmdb_ratios,
        memory=benchmarks.build_lmdb_memory,
    ),
    **_of_benchmark(
        "evaluation", 2,
        about=benchmarks.evaluation_about,
        ratios=benchmarks.evaluation,
        targets=benchmarks.evaluation_targets,
    ),
    **_of_benchmark(
        "evaluation", 2, "evaluation_one_repeat",
        about=benchmarks.evaluation_about,
        ratios=benchmarks.evaluation,
    ),
    **_of_benchmark(
        "extraction", 2,
        about=nets.extraction_about,
        ratios=nets.extraction,
    ),
    **_of_benchmark(
        "engine", 1,
        about=engine.engine_about,
        seconds=engine.engine,
        targets=engine.engine_targets,
        layers=engine.engine_layers,
        memory=engine.engine_memory,
        cores=engine.engine_cores,
    ),
    **_of_benchmark("engine_errors", 1, errors=engine.engine_errors),
    **_of_benchmark(
        "gpu_budget", 2,
        about=gpu.gpu_budget_about,
        budget=gpu.gpu_budget,
        levers=gpu.gpu_budget_levers,
    ),
    **_of_benchmark(
        "training", 2, about=nets.training_about, ratios=nets.training
    ),
    **_of_benchmark(
        "whole_commands", 1, about=benchmarks.commands_about, rates=benchmarks.commands
    ),
    **_of_benchmark(
        "gallery", 2, "gallery", "gallery_1m",
        about=search.gallery_about,
        all=search.gallery,
        ratios=search.gallery_ratios,
        targets=search.gallery_targets,
        scale=search.scale,
    ),
    **_of_benchmark(
        "serving", 2,
        about=search.serving_about,
        times=search.serving,
        requests=search.serving_requests,
    ),
    **_of_benchmark(
        "render", 2, about=benchmarks.render_about, rates=benchmarks.render
    ),
}  # fmt: skip

RATES = "drdl.rates/1"
# What makes a document's sentences, in sentences_of_documents.py, and of which files.
SENTENCES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "README.md": (
        "readme",
        {
            "demo.json": RATES,
            "results.json": REPRODUCED,
            "results_larger.json": REPRODUCED,
            "two_camera_baselines.json": REPRODUCED,
            "two_camera_methods.json": REPRODUCED,
        },
    ),
    "docs/vehicleid.md": ("vehicleid", {}),
    "docs/layers.md": ("layers", {}),
    "docs/results.md": (
        "results",
        {
            "results.json": REPRODUCED,
            "results_ablations.json": REPRODUCED,
            "results_fig10.json": REPRODUCED,
            "results_table3.json": REPRODUCED,
            "results_larger.json": REPRODUCED,
        },
    ),
    "docs/fine_tuning.md": (
        "fine_tuning",
        {
            "results_softmax.json": REPRODUCED,
            "results_larger.json": REPRODUCED,
            "results_larger_classifiers.json": REPRODUCED,
            "results.json": REPRODUCED,
            "results_gradients.json": REPRODUCED,
            "results_growth.json": REPRODUCED,
            "results_larger_ablations.json": REPRODUCED,
        },
    ),
    "docs/paper_net.md": ("paper_net", {"results_paper_net.json": REPRODUCED}),
    "docs/two_camera.md": (
        "two_camera",
        {
            "two_camera_baselines.json": REPRODUCED,
            "two_camera_methods.json": REPRODUCED,
            "two_camera_changes.json": REPRODUCED,
        },
    ),
    "docs/choices.md": (
        "choices",
        {
            "results_ablations.json": REPRODUCED,
            "results_larger_ablations.json": REPRODUCED,
        },
    ),
    "docs/rendered.md": (
        "rendered",
        {
            "rendered.json": "drdl.rendered_hardness/1",
            "rendered_compcars.json": "drdl.rendered_compcars/1",
        },
    ),
}


def wrong_sentences(name: str, document: str, folder: Path) -> list[str]:
    """What is wrong in a document's running text, a line each.

    Args:
        name: of the document; nothing is known of those that SENTENCES lacks, or
            whose results are not there.
        document: its text.
        folder: of the results.

    Raises:
        InputError: results that cannot be read.
    """
    if name not in SENTENCES:
        return []
    _, files = SENTENCES[name]
    if not all((folder / file).exists() for file in files):
        return []
    said = sentences(name, folder)
    return [
        *(f"not as results have it: {text}" for text in not_said(document, said)),
        *(f"of no result: ...{found}..." for found in numbers_outside(document, said)),
    ]


def sentences(name: str, folder: Path) -> list[Said]:
    """Of a document in SENTENCES, those whose numbers were typed in too.

    Args:
        name: of the document.
        folder: of the results.

    Raises:
        InputError: results that cannot be read; pycaffe is not installed, with whose
            messages the code says what nets are.
    """
    make, files = SENTENCES[name]
    contents = [_read(folder / file, schema) for file, schema in files.items()]
    try:
        import sentences_of_documents as documents
    except ImportError as error:
        raise InputError(
            f"cannot hold sentences against the code: {str(error).splitlines()[0]}",
            name,
            "run tools/setup.sh and source .venv/bin/activate",
        ) from error
    said: Iterable[Said] = getattr(documents, make)(*contents)
    return [*said, *map(Said, documents.TYPED[name])]


def made_anew(marked: Marked, results: Path) -> Marked:
    """The table from its results; as it is where they are not there yet.

    Raises:
        InputError: an unknown name; results that cannot be read, or that are gone
            since the table was made from them.
    """
    if marked.name not in TABLES:
        raise InputError(
            f"no table is called {marked.name!r}", "the mark", "see TABLES in "
            "benchmarks/document_tables.py",
        )  # fmt: skip
    table = TABLES[marked.name]
    paths = [results / file for file in table.files]
    missing = [path for path in paths if not path.exists()]
    if missing and not marked.source:
        return marked
    contents = [_read(path, table.schema) for path in paths]
    return Marked(marked.name, table.make(*contents), table.source)


def drawn_anew(results: Path) -> dict[Path, str]:
    """Every figure whose results are there.

    Raises:
        InputError: results that cannot be read.
    """
    drawn = {}
    for name, figure in FIGURES.items():
        paths = [results / file for file in figure.files]
        if all(path.exists() for path in paths):
            contents = [_read(path, figure.schema) for path in paths]
            drawn[results / name] = figure.make(*contents)
    return drawn


def _read(path: Path, schema: str) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != schema:
            raise ValueError(f"schema {content['schema']!r}; expected {schema!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot read results: {error}", path, "write them with --json again"
        ) from error
    return content


def write_tables(
    check: Annotated[
        bool, Option("--check", help="Change nothing; exit 1 where something would.")
    ] = False,
    root: Annotated[Path, Option(help="Folder of README.md and docs.")] = ROOT,
) -> None:
    """Make the documents' tables and figures from the results in docs.

    A table whose results are not there yet stays as it was typed in. Sentences that
    say other numbers than the results are shown, to be mended by hand; exit 1.

    Example: python benchmarks/document_tables.py --check
    """
    differ = wrong = False
    for name in DOCUMENTS:
        path = root / name
        text = path.read_text(encoding="utf-8")
        for marked in tables(text, name):
            if made_anew(marked, root / RESULTS).source == "":
                cli.console.print(f"{name}: {marked.name}: typed in", markup=False)
        anew = rewritten(text, lambda m: made_anew(m, root / RESULTS))
        if anew != text:
            differ = True
            lines = text.splitlines(), anew.splitlines()
            for line in difflib.unified_diff(*lines, name, name, lineterm="", n=0):
                cli.console.print(line, markup=False, soft_wrap=True)
            if not check:
                write_text(path, anew)
        for line in wrong_sentences(name, anew, root / RESULTS):
            wrong = True
            cli.console.print(f"{name}: {line}", markup=False, soft_wrap=True)
    for path, drawn in drawn_anew(root / RESULTS).items():
        if not path.exists() or path.read_text(encoding="utf-8") != drawn:
            differ = True
            cli.console.print(f"{path.name}: drawn anew", markup=False)
            if not check:
                write_text(path, drawn)
    if wrong or (check and differ):
        raise Exit(1)


if __name__ == "__main__":
    cli.run(write_tables)

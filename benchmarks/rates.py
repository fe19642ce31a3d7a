"""Collects match rates that eval_cmc.py wrote, for a table in the documents."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from pydrdl import cli
from pydrdl.results import read_results
from pydrdl.results.result import RANKS, Reidentification

SCHEMA = "drdl.rates/1"


def row(result: Reidentification) -> dict[str, object]:
    """What of a result is kept: its rates, and hashes that tell of what."""
    features = result.features
    return {
        "name": result.name,
        "gallery": result.gallery,
        "probes": result.probes,
        "split_sha256": result.split.sha256,
        "net_sha256": features.net_sha256,
        "weights": Path(features.weights).name,
        "weights_sha256": features.weights_sha256,
        "features_sha256": features.sha256,
        "rates": {
            str(rank): [curve[rank - 1] for curve in result.cmc.per_repeat]
            for rank in RANKS
        },
    }


def collect(
    output: Annotated[Path, Argument(help="JSON to write; replaced.")],
    results: Annotated[
        list[str], Argument(help="Files of eval_cmc.py --json; NAME=FILE names one.")
    ],
    made_by: Annotated[
        list[str], Option(help="A command that made the results; may be repeated.")
    ],
) -> None:
    """Write the match rates of several evaluations into one file.

    Example: python benchmarks/rates.py docs/demo.json
    data/demo/mixed_difference.json --made-by tools/demo.sh
    """
    groups: dict[str, list[dict[str, object]]] = {}
    for given in results:
        name, _, file = given.rpartition("=")
        name = name or Path(file).stem
        if name in groups:
            raise cli.wrong_use(
                f"two files named {name!r}; give NAME=FILE", "RESULTS..."
            )
        groups[name] = list(map(row, read_results(Reidentification, Path(file))))
    cli.write_json(output, {"schema": SCHEMA, "made_by": made_by, "results": groups})


if __name__ == "__main__":
    cli.run(collect)

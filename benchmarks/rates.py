"""Collects match rates that eval_cmc.py wrote, for a table in the documents."""

import json
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option

from pydrdl import cli
from pydrdl.errors import InputError

SCHEMA, READ = "drdl.rates/1", "drdl.cmc/1"
RANKS = (1, 5, 10, 20)


def row(entry: dict[str, Any]) -> dict[str, object]:
    """What of an evaluation is kept: its rates, and hashes that tell of what."""
    features = entry["features"]
    return {
        "name": entry["name"],
        "gallery": entry["gallery"],
        "probes": entry["probes"],
        "split_sha256": entry["split"]["sha256"],
        "net_sha256": features["net_sha256"],
        "weights": Path(features["weights"]).name,
        "weights_sha256": features["weights_sha256"],
        "features_sha256": features["sha256"],
        "rates": {
            str(rank): [curve[rank - 1] for curve in entry["cmc"]["per_repeat"]]
            for rank in RANKS
        },
    }


def read_rows(path: Path) -> list[dict[str, object]]:
    """The rows of a file of eval_cmc.py.

    Raises:
        InputError: it cannot be read or is of another kind.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != READ:
            raise ValueError(f"schema {content['schema']!r}; expected {READ!r}")
        return [row(entry) for entry in content["results"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot read results: {error}", path, "write it with eval_cmc.py --json"
        ) from error


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
            raise BadParameter(f"two files named {name!r}; give NAME=FILE")
        groups[name] = read_rows(Path(file))
    cli.write_json(output, {"schema": SCHEMA, "made_by": made_by, "results": groups})


if __name__ == "__main__":
    cli.run(collect)

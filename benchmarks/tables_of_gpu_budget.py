"""The tables of what an iteration asks of a GPU, in Markdown."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from documents import as_table

Content = dict[str, Any]
SCHEMA = "drdl.bench_gpu_budget/2"
TOGETHER = "bias, ReLU, LRN, pooling in one"  # of gpu_budget.py
# Layers that stand together: the rest are losses and what joins blobs.
OTHERS = ("Concat", "Split", "SoftmaxWithLoss", "L2Normalize", "CoupledClustersLoss")
REST = "losses, Concat, Split"
STEP, TRANSFORM = "solver's step", "transform of the images"
HOST = 4e-6  # seconds that a launch costs the host, about


def bound(content: Content) -> dict[str, tuple[float, float, int]]:
    """FLOP, bytes and launches by kind of layer."""
    rows: dict[str, tuple[float, float, int]] = {}
    for kind, directions in content["kinds"].items():
        name = REST if kind in OTHERS else kind
        for cost in directions.values():
            rows[name] = _sum(rows.get(name, (0.0, 0.0, 0)), cost)
    rows[REST] = rows.pop(REST)  # last of the layers
    rows[TRANSFORM] = _sum((0.0, 0.0, 0), content["transform"])
    rows[STEP] = _sum((0.0, 0.0, 0), content["step"])
    return rows


def _sum(
    row: tuple[float, float, int], cost: Mapping[str, float]
) -> tuple[float, float, int]:
    flop, moved, launches = row
    return (
        flop + cost["flop"],
        moved + cost["bytes"],
        launches + int(cost["launches"]),
    )


def seconds(
    content: Content, flop: float, moved: float, products: str, reached: bool = False
) -> float:
    """The least time of so much, at the data sheet's rates or at what is reached.

    Args:
        content: the budget.
        flop: additions and multiplications.
        moved: bytes.
        products: "float" or "tf32".
        reached: with the assumed shares of the rates.
    """
    gpu = content["gpu"]
    rate, memory = gpu[products], gpu["memory"]
    if reached:
        rate *= gpu[f"reached_{products}"]
        memory *= gpu["reached_memory"]
    return max(float(flop / rate), float(moved / memory))


def gpu_budget(content: Content) -> str:
    """What each kind of layer asks for, and the least time that it takes."""
    rows = []
    total = (0.0, 0.0, 0)
    times = [0.0, 0.0, 0.0]
    for name, (flop, moved, launches) in bound(content).items():
        total = (total[0] + flop, total[1] + moved, total[2] + launches)
        each = [
            1e3 * seconds(content, flop, moved, "float", True),
            1e3 * seconds(content, flop, moved, "tf32", True),
            1e3 * seconds(content, flop, moved, "tf32"),
        ]
        times = [a + b for a, b in zip(times, each, strict=True)]
        rows.append(_row(name, flop, moved, launches, each))
    rows.append(_row("all", *total, times))
    titles = (
        "computed, not measured",
        "GFLOP",
        "GB",
        "launches",
        "float, ms",
        "TF32, ms",
        "TF32 at the data sheet's rates, ms",
    )
    return as_table(titles, rows)


def _row(
    name: str, flop: float, moved: float, launches: int, times: list[float]
) -> tuple[str, ...]:
    return (
        name,
        f"{flop / 1e9:,.0f}",
        f"{moved / 1e9:.2f}",
        f"{launches}",
        *(f"{time:.2f}" for time in times),
    )


def gpu_budget_levers(content: Content) -> str:
    """What was changed, before and after."""
    rows = bound(content)

    def products(kind: str) -> str:
        flop = rows["Convolution"][0] + rows["InnerProduct"][0]
        return f"{1e3 * seconds(content, flop, 0, kind, True):.1f} ms"

    def step(cost: Mapping[str, float]) -> str:
        moved = cost["bytes"]
        time = 1e3 * seconds(content, 0, moved, "tf32", True)
        return f"{moved / 1e9:.2f} GB, {time:.2f} ms, {cost['launches']} launches"

    def bus(moved: float) -> str:
        return f"{moved / 1e6:.1f} MB, {1e3 * moved / content['gpu']['bus']:.2f} ms"

    _, moved, launches = rows[TOGETHER]
    together = {"bytes": moved, "launches": launches}
    waits, carried = content["waits"], content["bus"]
    return as_table(
        ("computed, not measured", "before", "now"),
        [
            ("convolutions and products: TF32", products("float"), products("tf32")),
            ("solver's step", step(content["step_before"]), step(content["step"])),
            (
                "bias, ReLU, LRN and pooling behind conv1 and conv2",
                step(content["fused_before"]),
                step(together),
            ),
            ("a batch on the bus", bus(carried["bytes_before"]), bus(carried["bytes"])),
            (
                "waits of the host, counted in a small net of these layers",
                str(waits["before"]),
                str(waits["now"]),
            ),
        ],
    )


def gpu_budget_about(content: Content) -> str:
    """What was computed, and from what."""
    gpu = content["gpu"]
    launches = sum(row[2] for row in bound(content).values())
    text = (
        f"{content['images']} images of {content['net']}, "
        f"{content['parameters'] / 1e6:.1f} million weights. An H200's data sheet: "
        f"{gpu['float'] / 1e12:.0f} TFLOP/s in float, {gpu['tf32'] / 1e12:.0f} in "
        f"TF32, {gpu['memory'] / 1e12:.1f} TB/s of memory, {gpu['bus'] / 1e9:.0f} GB/s "
        f"of bus. Assumed of it: {gpu['reached_float']:.2f} in float, "
        f"{gpu['reached_tf32']:.2f} in TF32, {gpu['reached_memory']:.2f} of the "
        f"memory. {launches} launches keep the host busy for about "
        f"{1e3 * HOST * launches:.1f} ms."
    )
    return f"    {content['command']}\n\n{fill(text, 84)}\n"

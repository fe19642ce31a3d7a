"""A net of random data that trains in a tenth of a second, for the caffe command."""

from pathlib import Path

from commands import Done, run_caffe

NET = """name: "small"
layer {{ name: "data" type: "DummyData" top: "x" top: "y"
  dummy_data_param {{ shape {{ dim: 8 dim: 4 }} shape {{ dim: 8 }}
    data_filler {{ type: "gaussian" }}
    data_filler {{ type: "constant" value: {label} }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param {{ num_output: 16 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "drop" type: "Dropout" bottom: "ip" top: "ip" }}
layer {{ name: "fc" type: "InnerProduct" bottom: "ip" top: "fc"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "y" top: "loss" }}
"""

SOLVER: dict[str, object] = {
    "net": '"net.prototxt"',
    "base_lr": 0.1,
    "lr_policy": '"fixed"',
    "momentum": 0.9,
    "max_iter": 10,
    "display": 1,
    "snapshot": 5,
    "snapshot_prefix": '"s"',
    "random_seed": 1,
}


def write(
    folder: Path, label: float = 1, layers: str | None = None, **solver: object
) -> None:
    """Writes net.prototxt and solver.prototxt; None leaves a field out."""
    (folder / "net.prototxt").write_text(layers or NET.format(label=label))
    fields = {k: v for k, v in (SOLVER | solver).items() if v is not None}
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    (folder / "solver.prototxt").write_text(text)


def train(folder: Path, *options: object) -> Done:
    """`caffe train` in the folder."""
    return run_caffe("train", "--solver", "solver.prototxt", *options, cwd=folder)


def message(done: Done) -> str:
    """The one error that a command ended with; no stack dump, exit code 1."""
    assert done.returncode == 1, done.stderr[-3000:]
    assert "***" not in done.stderr and "Check failed" not in done.stderr
    assert done.stderr.count("error: ") == 1, done.stderr[-3000:]
    told = done.stderr[done.stderr.index("error: ") :]
    assert "\n  where: " in told and "\n  next: " in told
    return told

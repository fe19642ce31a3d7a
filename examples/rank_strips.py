# %% [markdown]
# # From data to rank strips
#
# Draws vehicles, trains the small mixed difference net on some of them, and shows what
# it finds among the others. Everything is of this package; with photographs in place of
# drawings, only the first step is another
# ([your own photographs](../docs/own_photographs.md)).
#
# `PRESET = "demo"` takes about five minutes on two cores, `"mini"` seconds, and learns
# nothing in them.

# %%
import os
import subprocess
from pathlib import Path

import caffe
import matplotlib.pyplot as plt
import numpy as np

from pydrdl.datasets import images_of_split, open_dataset
from pydrdl.datasets.images import read_image
from pydrdl.features.extract import extract, open_extractor
from pydrdl.gallery.strip import draw_strip
from pydrdl.protocols import reid
from pydrdl.protocols.search import nearest

PRESET = os.environ.get("PRESET", "demo")
ITERATIONS = {"mini": 4, "demo": 300}[PRESET]
TEST = {"mini": "test_12", "demo": "test_200"}[PRESET]
WORK = Path(os.environ.get("WORK", f"data/notebook_{PRESET}"))


def drdl(*words):
    """Runs a command of the package; an error ends the notebook there."""
    done = subprocess.run(["drdl", *map(str, words)], text=True, capture_output=True)
    print(done.stdout, done.stderr)
    done.check_returncode()


# %% [markdown]
# ## Data
#
# Vehicles as VehicleID lists them, and an image LMDB with an index of which records
# show which vehicle, from which the net draws its sets.

# %%
data, lmdb = WORK / "VehicleID", WORK / "train_lmdb"
if not data.exists():
    drdl("render-vehicleid", "--output", data, "--preset", PRESET)
if not lmdb.exists():
    drdl("build-lmdb", data, "--output", lmdb, "--split", "train", "--size", 72)
dataset = open_dataset(data)
for split, images in dataset.splits.items():
    print(
        split, len(images), "images of", len({i.vehicle_id for i in images}), "vehicles"
    )

# %% [markdown]
# ## Training
#
# The net has two branches behind conv3: one learns vehicle models by softmax, the other
# vehicles by coupled clusters loss; both are joined for a second one (Fig. 6 of the
# paper). `ccl` is the loss of the lower branch, `ccl_mixed` that of both.

# %%
nets = WORK / "nets"
if not nets.exists():
    drdl("make-nets", "--output", nets, "--train", lmdb, "--net", "mixed_difference",
         "--max-iter", ITERATIONS, "--seed", 1)  # fmt: skip
caffe.set_mode_cpu()
solver = caffe.get_solver(str(nets / "mixed_difference/solver.prototxt"))
losses = [name for name in solver.net.outputs if "loss" in name or "ccl" in name]
curves = {name: [] for name in losses}
for _ in range(ITERATIONS):
    solver.step(1)
    for name in losses:
        curves[name].append(float(solver.net.blobs[name].data))
weights = WORK / "trained.caffemodel"
solver.net.save(str(weights))

figure, axes = plt.subplots(figsize=(8, 3))
for name in losses:
    axes.plot(curves[name], label=name)
axes.set_xlabel("iteration")
axes.legend()
figure.savefig(WORK / "losses.png")

# %% [markdown]
# ## Features of vehicles that it has not seen
#
# Beside them those of the same net untrained, which is what there is to beat.

# %%
deploy = nets / "mixed_difference/deploy.prototxt"
images = images_of_split(dataset, TEST)
trained = extract(images, dataset.root, open_extractor(deploy, weights=weights))
untrained = extract(images, dataset.root, open_extractor(deploy, untrained=1))
names, vehicles = trained.names, trained.vehicle_ids
split = reid.draw_split(names, vehicles, seed=0, repeats=10)
for what, features in (("untrained", untrained), ("trained", trained)):
    result = reid.evaluate(features.features, names, vehicles, split)
    print(f"{what}: rank 1 {result.cmc.mean[0]:.3f}, rank 5 {result.cmc.mean[4]:.3f}")

# %% [markdown]
# ## Rank strips
#
# One photograph of each vehicle is the gallery; three others ask it. Nearest first, by
# the squared distance of the features.

# %%
gallery = np.array(split.gallery[0])
order = np.argsort(np.array(names))  # a split counts images in the order of their names
gallery, probes = order[gallery], np.setdiff1d(np.arange(len(names)), order[gallery])
probes = np.random.default_rng(0).choice(probes, 3, replace=False)
found, distances = nearest(trained.features[probes], trained.features[gallery], 7)
strips = []
for probe, rows, apart in zip(probes, gallery[found], distances, strict=True):
    cells = []
    for row, distance in zip(rows, apart, strict=True):
        right = "right" if vehicles[row] == vehicles[probe] else ""
        lines = [f"vehicle {vehicles[row]} {right}", f"d {distance:.2f}"]
        cells.append((read_image(dataset.root, images[row], None), lines))
    strips.append(draw_strip(read_image(dataset.root, images[probe], None), cells))
picture = np.concatenate(strips)[..., ::-1]  # BGR to RGB
plt.imsave(WORK / "strips.png", picture)
figure, axes = plt.subplots(figsize=(13, 7))
axes.imshow(picture)
axes.axis("off")

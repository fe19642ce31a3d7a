"""A folder with a small net, photographs and features, for the tests of search."""

import json
from pathlib import Path

from helpers import make_fleet
from in_process import run_here

NET = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 12 dim: 12 } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param { num_output: 24
    weight_filler { type: "gaussian" std: 0.02 }
    bias_filler { type: "gaussian" std: 0.5 } } }
"""
VEHICLES = {vehicle: (4, vehicle % 3) for vehicle in range(8)}


def make_search_folder(folder: Path) -> Path:
    """Makes deploy.prototxt, w (its weights), photos, list.txt and f.h5."""
    import caffe

    fleet = make_fleet(folder / "photos", VEHICLES, 24, 24)
    lines = [f"{i.path} {i.vehicle_id} {i.model_id}\n" for i in fleet.images]
    (folder / "list.txt").write_text("".join(lines))
    (folder / "deploy.prototxt").write_text(NET)
    settings = {"resize": 12, "crop": 12, "mean": [104, 117, 123]}
    (folder / "preprocess.json").write_text(json.dumps(settings))
    caffe.set_random_seed(1)
    caffe.Net(str(folder / "deploy.prototxt"), caffe.TEST).save(str(folder / "w"))
    done = run_here("extract_features", "list.txt", "--root", "photos", "--output",
                    "f.h5", "--net", "deploy.prototxt", "--weights", "w",
                    cwd=folder)  # fmt: skip
    assert done.returncode == 0, done
    return folder


def make_seen_gallery(folder: Path) -> None:
    """Makes the gallery g of such a folder, with 4 cameras and an image a minute."""
    names = [path.name for path in sorted((folder / "photos").iterdir())]
    lines = [f"{n},{k % 4},{1.7e9 + 60 * k}\n" for k, n in enumerate(names)]
    (folder / "labels.csv").write_text("path,camera_id,time\n" + "".join(lines))
    done = run_here("index", "f.h5", "--root", "photos", "--gallery", "g", "--labels",
                    "labels.csv", cwd=folder)  # fmt: skip
    assert done.returncode == 0, done

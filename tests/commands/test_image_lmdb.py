"""Image LMDBs: against OpenCV, against Caffe's reader, after a kill."""

import json
import re
import signal
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from commands import PIPE, Done, python, run_tool, start, succeed
from dataset_layouts import write_compcars
from helpers import image_list
from hypothesis import given
from hypothesis import strategies as st

from pydrdl.datasets import Image
from pydrdl.errors import InputError
from pydrdl.lmdb.labels import Labels, dense_labels, read_labels

caffe_proto = pytest.importorskip("caffe.proto", reason="pycaffe is not installed")

from pydrdl import messages
from pydrdl.lmdb import build
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.lmdb.pair_index import VehicleRecords, read_pair_index
from pydrdl.parallel import in_order

pytestmark = pytest.mark.caffe

Records = list[tuple[bytes, bytes]]
TOOL = Path(__file__).parents[2] / "tools/build_lmdb.py"
COUNT = 100
# Vehicles 40, 3 and 17 alternate in the list; 99 has a single image.
VEHICLES = [(40, 3, 17)[n % 3] for n in range(COUNT - 1)] + [99]
MODELS = {40: 5, 3: -1, 17: 2, 99: 5}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for number in range(COUNT):
        coarse = random.integers(0, 256, (3, 4, 3), np.uint8)
        extension = "png" if number % 7 else "jpg"
        pixels = cv2.resize(coarse, (24, 18), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number}.{extension}"), pixels)
    return folder


@pytest.fixture(scope="module")
def images(root: Path) -> tuple[Image, ...]:
    names = [f"{n}.{'png' if n % 7 else 'jpg'}" for n in range(COUNT)]
    return tuple(
        Image(name, vehicle, MODELS[vehicle])
        for name, vehicle in zip(names, VEHICLES, strict=True)
    )


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "lmdb"


def records(folder: Path) -> Records:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment:
        return list(environment.begin().cursor())


def datums(folder: Path) -> list[messages.Datum]:
    return [messages.Datum.FromString(value) for _, value in records(folder)]


def source(root: Path, image: Image) -> np.ndarray:
    return cv2.imread(str(root / image.path), cv2.IMREAD_COLOR)


def by_vehicle(images: tuple[Image, ...]) -> list[Image]:
    return [i for v in (3, 17, 40, 99) for i in images if i.vehicle_id == v]


def test_order_keys_labels_and_index(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    summary = build_image_lmdb(images, root, output, size=(8, 8))
    ordered = by_vehicle(images)
    keys = [key.decode() for key, _ in records(output)]
    assert keys == [f"{k:08d}_{image.path}" for k, image in enumerate(ordered)]
    dense = {3: 0, 17: 1, 40: 2, 99: 3}
    assert [d.label for d in datums(output)] == [dense[i.vehicle_id] for i in ordered]
    index = read_pair_index(output)
    assert index.vehicles == (
        VehicleRecords(3, -1, 0, 33),
        VehicleRecords(17, 0, 33, 33),
        VehicleRecords(40, 1, 66, 33),
        VehicleRecords(99, 1, 99, 1),
    )
    assert (index.num_models, index.fingerprint.num_images) == (2, COUNT)
    assert read_labels(output) == Labels((3, 17, 40, 99), (2, 5))
    assert (summary.images, summary.vehicles, summary.labelled) == (100, 4, 67)
    assert not output.with_name("lmdb.partial").exists()


def test_raw_records_are_the_pixels(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    build_image_lmdb(images, root, output, size=None, jpeg_quality=None)
    for datum, image in zip(datums(output), by_vehicle(images), strict=True):
        assert (datum.channels, datum.height, datum.width) == (3, 18, 24)
        assert not datum.encoded
        pixels = np.frombuffer(datum.data, np.uint8).reshape(3, 18, 24)
        np.testing.assert_array_equal(pixels, source(root, image).transpose(2, 0, 1))


def test_encoded_records_are_the_resized_pixels(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    build_image_lmdb(images, root, output, size=(72, 48), jpeg_quality=100)
    for datum, image in zip(datums(output), by_vehicle(images), strict=True):
        assert (datum.channels, datum.height, datum.width) == (3, 72, 48)
        assert datum.encoded and datum.data.startswith(b"\xff\xd8")
        pixels = cv2.imdecode(np.frombuffer(datum.data, np.uint8), cv2.IMREAD_COLOR)
        expected = cv2.resize(source(root, image), (48, 72))
        assert np.abs(pixels.astype(int) - expected).mean() < 3
        assert np.abs(pixels[..., ::-1].astype(int) - expected).mean() > 10


@pytest.mark.parametrize("quality", [None, 100])
def test_caffe_reads_it(
    root: Path, images: tuple[Image, ...], output: Path, quality: int | None
) -> None:
    caffe = pytest.importorskip("caffe", reason="pycaffe is not installed")
    build_image_lmdb(images, root, output, size=(8, 8), jpeg_quality=quality)
    net_file = output.parent / "net.prototxt"
    net_file.write_text(
        'layer { name: "data" type: "Data" top: "data" top: "label" data_param '
        f'{{ source: "{output}" backend: LMDB batch_size: {COUNT} }} }}'
    )
    net = caffe.Net(str(net_file), caffe.TEST)
    net.forward()
    for row, datum in enumerate(datums(output)):
        data = np.frombuffer(datum.data, np.uint8)
        if quality is None:
            expected = data.reshape(3, 8, 8)
        else:
            expected = cv2.imdecode(data, cv2.IMREAD_COLOR).transpose(2, 0, 1)
        np.testing.assert_array_equal(net.blobs["data"].data[row], expected)
        assert net.blobs["label"].data[row] == datum.label


def test_fingerprint_as_documented(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    build_image_lmdb(images, root, output, size=(8, 8))
    keys = b"".join(
        key + struct.pack("<I", len(value)) for key, value in records(output)
    )
    # floor(k * 100 / 64), written out.
    sampled = [0, 1, 3, 4, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 21, 23]
    sampled = [25 * quarter + k for quarter in range(4) for k in sampled]
    values = [value for _, value in records(output)]
    index = read_pair_index(output)
    assert index.fingerprint.keys_crc32 == zlib.crc32(keys)
    assert index.fingerprint.sample_crc32 == zlib.crc32(
        b"".join(values[k] for k in sampled)
    )
    message = messages.PairIndex()
    message.ParseFromString((output / "pair_index.binaryproto").read_bytes())
    assert (message.version, message.num_images, message.num_models) == (1, COUNT, 2)
    assert message.keys_crc32 == zlib.crc32(keys)


def test_every_value_counts_in_a_small_lmdb(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    build_image_lmdb(images[:40], root, output, size=(8, 8))
    values = b"".join(value for _, value in records(output))
    assert read_pair_index(output).fingerprint.sample_crc32 == zlib.crc32(values)


def test_the_index_of_another_lmdb_is_refused(
    root: Path, images: tuple[Image, ...], tmp_path: Path
) -> None:
    for name, quality in (("a", 95), ("b", 90), ("c", None), ("d", None)):
        size = (8, 8)
        build_image_lmdb(images, root, tmp_path / name, size=size, jpeg_quality=quality)
    index = "pair_index.binaryproto"
    (tmp_path / "a" / index).write_bytes((tmp_path / "b" / index).read_bytes())
    with pytest.raises(InputError, match="another LMDB"):
        read_pair_index(tmp_path / "a")
    assert read_pair_index(tmp_path / "c") == read_pair_index(tmp_path / "d")
    # Same keys and sizes, one pixel of a sampled record differs.
    (key, value), *_ = records(tmp_path / "d")
    changed = value[:20] + bytes([value[20] ^ 1]) + value[21:]
    environment = lmdb.open(str(tmp_path / "d"))
    with environment, environment.begin(write=True) as transaction:
        transaction.put(key, changed)
    with pytest.raises(InputError, match="another LMDB"):
        read_pair_index(tmp_path / "d")
    (tmp_path / "b" / index).write_bytes(b"\x08\x07")
    with pytest.raises(InputError, match="version 7"):
        read_pair_index(tmp_path / "b")
    (tmp_path / "b" / index).unlink()
    with pytest.raises(InputError, match="cannot read"):
        read_pair_index(tmp_path / "b")


def test_the_map_grows(root: Path, images: tuple[Image, ...], tmp_path: Path) -> None:
    for name, map_size in (("small", 1 << 16), ("large", 1 << 30)):
        build_image_lmdb(
            images, root, tmp_path / name, size=(64, 64), map_size=map_size
        )
    assert records(tmp_path / "small") == records(tmp_path / "large")
    assert (tmp_path / "small/data.mdb").stat().st_size > 1 << 17


# Builds until some items were taken, or until the index is made; then waits.
CHILD = """
import sys, time
from pathlib import Path
from pydrdl.lmdb import build, pair_index
from pydrdl.datasets import read_image_list

def wait():
    print("waiting", flush=True)
    time.sleep(600)

def progress(items, what, total):
    for number, item in enumerate(items):
        if str(number) == sys.argv[3]:
            wait()
        yield item

if sys.argv[3] == "index":
    pair_index.to_bytes = lambda index: wait()
build.COMMIT = 8
dataset = read_image_list(Path(sys.argv[1]))
build.build_image_lmdb(
    dataset.splits["all"], dataset.root, Path(sys.argv[2]), size=(8, 8), workers=2,
    progress=progress,
)
"""


def killed_build(root: Path, images: tuple[Image, ...], output: Path, at: str) -> None:
    listed = root / "list.txt"
    listed.write_text(image_list(images))
    with start(*python(CHILD), listed, output, at, stdout=PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        child.kill()
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("at", "committed"), [("0", 0), ("70", 48), ("index", 100)])
def test_a_killed_build_goes_on(
    root: Path, images: tuple[Image, ...], tmp_path: Path, at: str, committed: int
) -> None:
    whole, output = tmp_path / "whole", tmp_path / "lmdb"
    build_image_lmdb(images, root, whole, size=(8, 8))
    killed_build(root, images, output, at)
    assert not output.exists()
    encoded = []

    def progress(items: Iterator[int], what: str, total: int) -> Iterator[int]:
        for item in items:
            encoded.append(item)
            yield item

    summary = build_image_lmdb(images, root, output, size=(8, 8), progress=progress)
    # The last transaction may have been under way.
    assert summary.resumed_at in (committed, committed - 8 * (at == "70"))
    assert encoded == list(range(summary.resumed_at, COUNT))
    assert records(output) == records(whole)
    assert read_pair_index(output) == read_pair_index(whole)
    assert not output.with_name("lmdb.partial").exists()


def test_a_damaged_partial_build_is_refused(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    """LMDB would end the process that reads on."""
    killed_build(root, images, output, "70")
    partial = output.with_name("lmdb.partial")
    data = partial / "data.mdb"
    whole = data.read_bytes()
    for cut in (len(whole) // 2, 8192):
        data.write_bytes(whole[:cut])
        with pytest.raises(InputError, match="interrupted build is damaged") as caught:
            build_image_lmdb(images, root, output, size=(8, 8))
        assert caught.value.where == str(partial)
        assert "delete it" in caught.value.next_step


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_a_partial_build_that_had_hardly_begun(
    root: Path, images: tuple[Image, ...], output: Path, size: int
) -> None:
    """A loss of power may leave an LMDB that is shorter than its head."""
    killed_build(root, images, output, "70")
    data = output.with_name("lmdb.partial") / "data.mdb"
    data.write_bytes(data.read_bytes()[:size])
    assert build_image_lmdb(images, root, output, size=(8, 8)).resumed_at == 0
    assert len(records(output)) == COUNT


def test_a_partial_build_of_other_inputs_is_refused(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    killed_build(root, images, output, "70")
    partial = output.with_name("lmdb.partial")
    for other, size in ((images[1:], (8, 8)), (images, (9, 9))):
        with pytest.raises(InputError, match="interrupted build") as caught:
            build_image_lmdb(other, root, output, size=size)
        assert caught.value.where == str(partial)
        assert "--overwrite" in caught.value.next_step
    summary = build_image_lmdb(images, root, output, size=(9, 9), overwrite=True)
    assert summary.resumed_at == 0
    assert {(d.height, d.width) for d in datums(output)} == {(9, 9)}


def test_an_output_is_replaced_only_when_told(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    build_image_lmdb(images, root, output, size=(8, 8))
    before = records(output)
    with pytest.raises(InputError, match="exists"):
        build_image_lmdb(images[:50], root, output, size=(8, 8))
    assert records(output) == before
    build_image_lmdb(images[:50], root, output, size=(8, 8), overwrite=True)
    assert len(records(output)) == 50


def test_a_foreign_folder_is_never_deleted(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    for folder in (output, output.with_name("lmdb.partial")):
        folder.mkdir()
        (folder / "thesis.tex").write_text("years of work")
        with pytest.raises(InputError, match=r"holds thesis\.tex"):
            build_image_lmdb(images, root, output, overwrite=True)
        assert (folder / "thesis.tex").exists()
        (folder / "thesis.tex").unlink()
        folder.rmdir()


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_corrupt_image_is_named_and_can_be_mended(
    root: Path,
    images: tuple[Image, ...],
    output: Path,
    damage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build, "COMMIT", 8)
    bad = images[98]  # the last of vehicle 17 (record 65), a JPEG
    assert bad.path.endswith("jpg") and bad.vehicle_id == 17
    path = root / bad.path
    good = path.read_bytes()
    path.write_bytes({"cut": good[:-9], "empty": b"", "text": b"404"}[damage])
    try:
        with pytest.raises(InputError, match="of vehicle 17") as caught:
            build_image_lmdb(images, root, output, size=(8, 8))
    finally:
        path.write_bytes(good)
    assert caught.value.where == str(path)
    assert not output.exists()
    assert build_image_lmdb(images, root, output, size=(8, 8)).resumed_at == 64


def test_missing_images_are_counted(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    lost = [replace(image, path=f"lost/{image.path}") for image in images[4:7]]
    with pytest.raises(InputError, match=r"lost/4\.png of vehicle 3 .*2 more"):
        build_image_lmdb((*images[:4], *lost), root, output)
    assert not output.with_name("lmdb.partial").exists()


def test_model_labels(root: Path, images: tuple[Image, ...], output: Path) -> None:
    with pytest.raises(InputError, match="33 of 100 images have no model"):
        build_image_lmdb(images, root, output, size=(8, 8), label="model")
    labelled = [image for image in images if image.model_id >= 0]
    build_image_lmdb(labelled, root, output, size=(8, 8), label="model")
    expected = [
        {17: 0, 40: 1, 99: 1}[i.vehicle_id] for i in by_vehicle(tuple(labelled))
    ]
    assert [d.label for d in datums(output)] == expected
    content = json.loads((output / "labels.json").read_text())
    assert (content["label"], content["model_ids"]) == ("model", [2, 5])


def test_model_ids_are_kept_where_they_can_be(
    root: Path, images: tuple[Image, ...], output: Path
) -> None:
    build_image_lmdb(images, root, output, size=(8, 8), num_models=7)
    index = read_pair_index(output)
    assert index.num_models == 7
    assert [v.model_id for v in index.vehicles] == [-1, 2, 5, 5]
    assert dense_labels(images, 5).model_ids == (2, 5)


def test_ids_that_cannot_be_told_apart_are_refused() -> None:
    assert dense_labels([Image("a", 2**24 - 1)], 0).vehicle_ids == (2**24 - 1,)
    with pytest.raises(InputError, match="16777216 is not in"):
        dense_labels([Image("a", 2**24)], 0)
    with pytest.raises(InputError, match="vehicle 4 has two models, 1 and 2"):
        dense_labels([Image("a", 4, 1), Image("b", 4, 2)], 0)


def test_long_paths_are_cut_to_a_valid_key(
    root: Path, images: tuple[Image, ...], output: Path, tmp_path: Path
) -> None:
    long = Path(*["Straße" * 12] * 8)
    (tmp_path / long).mkdir(parents=True)
    (tmp_path / long / "a.jpg").write_bytes((root / images[0].path).read_bytes())
    path = (long / "a.jpg").as_posix()
    build_image_lmdb([Image(path, 1)], tmp_path, output, size=(8, 8))
    assert [key for key, _ in records(output)] == [f"00000000_{path}".encode()[:511]]


@given(st.integers(1, 4), st.integers(0, 120), st.none() | st.integers(1, 50))
def test_work_in_memory_is_bounded_and_in_order(
    workers: int, count: int, ahead: int | None
) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(count):
            taken += 1
            yield item

    seen = []
    for result in in_order(lambda item: -item, items(), workers, ahead):
        seen.append(result)
        most = ahead or 8 * workers
        assert taken == min(count, len(seen) + most)
    assert seen == [-item for item in range(count)]


def test_the_command(root: Path, images: tuple[Image, ...], output: Path) -> None:
    listed = output.with_name("list.txt")
    listed.write_text(image_list(images))

    def run(*options: str) -> Done:
        return run_tool("build_lmdb.py", listed, output, *options)

    whole = ("--split", "all", "--root", str(root), "--size", "8")
    done = run(*whole, "--label", "model", "--labelled-only", "--raw")
    assert done.returncode == 0, done.stderr
    assert re.search(r"images\W+67\W+vehicles\W+3\W", done.stdout)
    assert [len(d.data) for d in datums(output)] == [8 * 8 * 3] * 67
    again = run(*whole)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("error: the output exists\n  where: ")
    assert run("--split", "all", "--sise", "8").returncode == 2


def test_vehicles_as_models_for_a_softmax_over_car_models(tmp_path: Path) -> None:
    data = write_compcars(tmp_path / "cars")
    words = (data, tmp_path / "lmdb", "--split", "part1", "--size", 8)
    succeed("build_lmdb.py", *words, "--vehicles-as-models")
    index = read_pair_index(tmp_path / "lmdb")
    assert index.num_models == 3  # of two makes
    assert [(v.vehicle_id, v.model_id) for v in index.vehicles] == [
        (1, 0),
        (2, 1),
        (1815, 2),
    ]
    assert read_labels(tmp_path / "lmdb").model_ids == (1, 2, 1815)
    words = (tmp_path / "lmdb", "--dataset", data, "--split", "part1")
    succeed("verify_lmdb.py", *words, "--vehicles-as-models")
    assert run_tool("verify_lmdb.py", *words).returncode == 1


def test_nothing_to_build_is_refused(root: Path, output: Path) -> None:
    with pytest.raises(InputError, match="no images"):
        build_image_lmdb([], root, output)

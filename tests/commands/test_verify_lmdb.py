"""verify finds whatever is wrong with an image LMDB, and names it."""

import json
import shutil
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from commands import Done, run_tool
from helpers import Fleet, image_list, make_fleet, write_index
from unprivileged import as_user, common_folder, forbidden

from pydrdl.errors import InputError
from pydrdl.lmdb import labels, pair_index
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.lmdb.expected import CHECKSUMS_FILE
from pydrdl.lmdb.verify import LmdbVerification, verify_image_lmdb
from pydrdl.messages import Datum

pytestmark = pytest.mark.caffe

SIZE = (24, 32)
# Vehicle: (images, model). 90 records, of which the fingerprint samples 64.
VEHICLES = {3: (15, 4), 8: (15, -1), 11: (15, 6), 40: (15, 4), 41: (15, 5), 50: (15, 6)}
UNSAMPLED = sorted(set(range(90)) - {k * 90 // 64 for k in range(64)})
Change = Callable[[Datum], None]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return make_fleet(tmp_path_factory.mktemp("fleet"), VEHICLES, *SIZE)


@pytest.fixture(scope="module")
def built(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet.build(tmp_path_factory.mktemp("built") / "lmdb", 95, SIZE)


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(built, tmp_path / "lmdb"))


def records(folder: Path) -> dict[bytes, bytes]:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment:
        return dict(environment.begin().cursor())


def key_of(folder: Path, record: int) -> bytes:
    return sorted(records(folder))[record]


def put(folder: Path, key: bytes, value: bytes | None) -> None:
    """Writes a record, or deletes it."""
    with lmdb.open(str(folder)) as environment, environment.begin(write=True) as writer:
        assert writer.delete(key) if value is None else writer.put(key, value)


def change(folder: Path, record: int, how: Change) -> None:
    key = key_of(folder, record)
    datum = Datum.FromString(records(folder)[key])
    how(datum)
    put(folder, key, datum.SerializeToString())


def seal(folder: Path) -> None:
    """Makes checksums and fingerprint fit, so that they find nothing."""
    index = pair_index.read_pair_index(folder, check=False)
    with lmdb.open(str(folder), readonly=True, lock=False) as opened:
        fingerprint = pair_index.fingerprint(opened)
        values = opened.begin().cursor().iternext(keys=False)
        sums = np.array([zlib.crc32(value) for value in values], "<u4")
    write_index(folder, replace(index, fingerprint=fingerprint))
    (folder / CHECKSUMS_FILE).write_bytes(sums.tobytes())


def faults(found: LmdbVerification) -> list[tuple[str, int | None, int | None]]:
    return [(fault.check, fault.record, fault.vehicle) for fault in found.faults]


def compared(folder: Path, fleet: Fleet) -> LmdbVerification:
    return verify_image_lmdb(folder, fleet.images, fleet.root, num_models=0)


@pytest.mark.parametrize("quality", [None, 60])
@pytest.mark.parametrize("size", [None, (30, 20)])
@pytest.mark.parametrize("label", ["vehicle", "model"])
def test_what_the_builder_makes_is_whole(
    fleet: Fleet,
    tmp_path: Path,
    quality: int | None,
    size: tuple[int, int] | None,
    label: str,
) -> None:
    images = [i for i in fleet.images if label == "vehicle" or i.model_id >= 0]
    build_image_lmdb(
        images,
        fleet.root,
        tmp_path / "lmdb",
        size=size,
        jpeg_quality=quality,
        label=label,
        num_models=7,
    )
    found = verify_image_lmdb(
        tmp_path / "lmdb", images[::-1], fleet.root, num_models=7, workers=3
    )
    # Reversed, the images of a vehicle stand in another order.
    assert set(found.faulty) == {"data set"}
    found = verify_image_lmdb(tmp_path / "lmdb", images, fleet.root, num_models=7)
    assert found.whole and not found.faults
    n = len(images)
    assert found.checked == {
        "files": 4,
        "data.mdb": 1,
        "index": 1,
        "keys": n,
        "checksums": n,
        "images": n,
        "labels": n,
        "data set": n,
        "pixels": n,
    }


def test_a_flipped_byte_is_named(folder: Path) -> None:
    record = UNSAMPLED[5]

    def flip(datum: Datum) -> None:
        data = bytearray(datum.data)
        data[-20] ^= 4  # in the middle of the JPEG's bits: it still decodes
        datum.data = bytes(data)

    change(folder, record, flip)
    found = verify_image_lmdb(folder)
    assert [(f.check, f.record, f.key) for f in found.faults] == [
        ("checksums", record, key_of(folder, record).decode())
    ]
    assert found.faults[0].vehicle == list(VEHICLES)[record // 15]


def test_swapped_labels_are_named(folder: Path) -> None:
    change(folder, 5, lambda datum: setattr(datum, "label", 2))
    change(folder, 35, lambda datum: setattr(datum, "label", 0))
    seal(folder)
    found = verify_image_lmdb(folder)
    assert faults(found) == [("labels", 5, 3), ("labels", 35, 11)]
    assert found.faults[0].what == "label 2; its vehicle has 0"


def test_swapped_images_of_one_vehicle_need_the_data_set(
    folder: Path, fleet: Fleet
) -> None:
    first, second = key_of(folder, 31), key_of(folder, 32)
    values = records(folder)
    put(folder, first, values[second])
    put(folder, second, values[first])
    seal(folder)
    assert verify_image_lmdb(folder).whole
    assert faults(compared(folder, fleet)) == [("pixels", 31, 11), ("pixels", 32, 11)]


def test_raw_pixels_must_be_exact(fleet: Fleet, tmp_path: Path) -> None:
    folder = fleet.build(tmp_path / "lmdb", None, SIZE)

    def brighten(datum: Datum) -> None:
        datum.data = bytes([datum.data[0] ^ 1]) + datum.data[1:]

    change(folder, 50, brighten)
    seal(folder)
    assert faults(compared(folder, fleet)) == [("pixels", 50, 40)]


@pytest.mark.parametrize(
    "flags",
    [
        [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        [cv2.IMWRITE_JPEG_QUALITY, 96],  # as another library may round
    ],
)
def test_another_jpeg_of_the_same_pixels_is_no_fault(
    folder: Path, fleet: Fleet, flags: list[int]
) -> None:
    def again(datum: Datum) -> None:
        pixels = fleet.pictures(3)[7]
        datum.data = cv2.imencode(".jpg", pixels, flags)[1].tobytes()

    before = records(folder)
    change(folder, 7, again)
    assert records(folder) != before
    seal(folder)
    assert compared(folder, fleet).whole


@pytest.mark.parametrize("gone", [0, 41, 89])
def test_a_missing_record_is_named(folder: Path, gone: int) -> None:
    vehicle = pair_index.read_pair_index(folder).vehicles
    expected = next(v for v in vehicle if v.first <= gone < v.first + v.count)
    put(folder, key_of(folder, gone), None)
    found = verify_image_lmdb(folder)
    # And nothing about the 89 others.
    assert set(faults(found)) == {
        ("index", None, None),
        ("keys", gone, expected.vehicle_id),
    }


@pytest.mark.parametrize(
    ("key", "record", "what"),
    [
        (b"00000041_zebra.png", 41, "a second record of number 41"),
        (b"00000090_more.png", 90, "a record too many; the last is 89"),
        (b"zebra", None, "does not begin with 8 digits"),
        (b"\xff\xfe", None, "does not begin with 8 digits"),
    ],
)
def test_an_extra_record_is_named(
    folder: Path, key: bytes, record: int | None, what: str
) -> None:
    put(folder, key, records(folder)[key_of(folder, 41)])
    found = verify_image_lmdb(folder)
    assert [f.check for f in found.faults] == ["index", "keys"]
    assert what in found.faults[1].what
    assert found.faults[1].record == record
    assert found.faults[1].key == key.decode(errors="replace")


def test_the_index_of_another_lmdb(folder: Path, fleet: Fleet, tmp_path: Path) -> None:
    other = fleet.build(tmp_path / "other", 90, SIZE)
    shutil.copy(other / pair_index.FILE_NAME, folder)
    assert faults(verify_image_lmdb(folder)) == [("index", None, None)]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        (pair_index.FILE_NAME, b"\xff", "the pair index is damaged"),
        (pair_index.FILE_NAME, None, "cannot read the pair index"),
        (labels.FILE_NAME, b"[]", "cannot read what the labels stand for"),
        (labels.FILE_NAME, b'{"version": 1, "vehicle_ids": [3, 8, 11, 40, 41, 50],'
         b'"model_ids": [4, 5, 6]}', "label is missing"),
        (labels.FILE_NAME, b'{"version": 1, "label": "vehicle", "vehicle_ids":'
         b'[3, 8, 12, 40, 41, 50], "model_ids": [4, 5, 6]}',
         "label 2 is vehicle 12 and 11"),
        (labels.FILE_NAME, b'{"version": 1, "label": "vehicle", "vehicle_ids":'
         b'[3, 8, 11, 40, 41, 50], "model_ids": [4]}', "has 1 models"),
        (labels.FILE_NAME, b'{"version": 1, "label": "model", "vehicle_ids":'
         b'[3, 8, 11, 40, 41, 50], "model_ids": [4, 5, 6]}',
         "says records carry the model"),
        (CHECKSUMS_FILE, None, "cannot read the checksums"),
        (CHECKSUMS_FILE, b"123", "3 bytes; expected 4 a record"),
        (CHECKSUMS_FILE, b"1234", "disagree on the number of records"),
        ("build.json", None, "cannot read how the LMDB was built"),
        ("build.json", b'{"images": 90, "images_sha256": "", "root": "", "size": [1],'
         b'"jpeg_quality": 95, "label": "vehicle"}', "size: List should have at"),
        ("build.json", b'{"images": 90, "images_sha256": "", "root": "", "size": null,'
         b'"jpeg_quality": "95", "label": "vehicle"}', "jpeg_quality is '95'; exp"),
        (labels.FILE_NAME, b'{"version": 1, "label": "vehicle", "vehicle_ids":'
         b'[[3], 8], "model_ids": [4, 5, 6]}', "vehicle_ids[0]: expected a valid"),
        (labels.FILE_NAME, b'{"version": 1, "label": "vehicle", "vehicle_ids":'
         b'[3, -8], "model_ids": []}', "vehicle_ids[1] is -8; expected greater"),
        (labels.FILE_NAME, b'{"version": 1, "label": "vehicle", "vehicle_ids":'
         b'[3, 3], "model_ids": []}', "vehicle_ids: expected ids that ascend"),
        (labels.FILE_NAME, b'{"version": 1, "label": "vehicle", "vehicle_ids":'
         b'[16777216], "model_ids": []}', "id 16777216 is above 16777215"),
        (labels.FILE_NAME, b'{"version": 2}', "version is 2; expected 1"),
        (labels.FILE_NAME, b'{"version": 1, "label": "vehicle", "vehicle_ids":'
         b'[3, 8], "model_ids": [4, 5, 6]}', "name other vehicles: 2 and 6"),
        (labels.FILE_NAME, b'{"version": 1, "version": 1}', "'version' is given twice"),
        (labels.FILE_NAME, b"[" * 100_000, "nested too deeply"),
        ("build.json", b"{}", "images is missing (and 5 more faults)"),
    ],
)  # fmt: skip
def test_damaged_files_are_named(
    folder: Path, name: str, content: bytes | None, what: str
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    found = verify_image_lmdb(folder)
    files = [fault.what for fault in found.faults if fault.check == "files"]
    assert any(what in text and name in text for text in files), files


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_data_mdb_cut_off_is_told_before_it_kills(folder: Path, share: float) -> None:
    data = (folder / "data.mdb").read_bytes()
    (folder / "data.mdb").write_bytes(data[: int(share * len(data))])
    found = verify_image_lmdb(folder)
    assert [fault.check for fault in found.faults] == ["data.mdb"]
    assert "cut off: it has" in found.faults[0].what


def test_what_may_not_be_read_is_not_called_damaged(fleet: Fleet) -> None:
    """To build it again would help nobody."""
    with common_folder() as common:
        folder = fleet.build(common / "lmdb")
        places = (folder, *sorted(folder.iterdir()))
        for path in places:
            if path.name == "lock.mdb":
                continue
            with (
                forbidden(path), as_user(),
                pytest.raises(InputError, match="Permission denied") as caught,
            ):  # fmt: skip
                verify_image_lmdb(folder)
            assert "permissions" in caught.value.next_step
        assert len(places) == 7 and verify_image_lmdb(folder).whole


def test_an_index_is_not_read_of_a_damaged_lmdb_in_this_process(folder: Path) -> None:
    """As tools/make_nets.py reads it: LMDB would end the process."""
    whole = bytearray((folder / "data.mdb").read_bytes())
    random, refused = np.random.default_rng(1), 0
    for page in range(2, len(whole) // 4096, 4):
        broken = whole.copy()
        broken[page * 4096 + int(random.integers(8, 20))] ^= 0x55
        (folder / "data.mdb").write_bytes(broken)
        try:
            pair_index.read_pair_index(folder)
        except InputError as error:
            refused += 1
            assert "damaged" in error.what or "another LMDB" in error.what
    assert refused
    (folder / "data.mdb").write_bytes(whole)
    pair_index.read_pair_index(folder)


def test_a_count_that_the_file_cannot_hold(folder: Path) -> None:
    """Reading on would have no end, or nearly none."""
    data = bytearray((folder / "data.mdb").read_bytes())
    count = lmdb.open(str(folder), readonly=True, lock=False).stat()["entries"]
    place = data.index(count.to_bytes(8, "little"), 40)
    for meta in (place, place + 4096):
        data[meta : meta + 8] = (2**40).to_bytes(8, "little")
    (folder / "data.mdb").write_bytes(data)
    (fault,) = verify_image_lmdb(folder).faults
    assert fault.check == "data.mdb" and f"{2**40:,} records" in fault.what


def test_damaged_pages_are_told_however_lmdb_ends(folder: Path) -> None:
    """Bytes that every page begins with, some of which LMDB trusts."""
    whole = bytearray((folder / "data.mdb").read_bytes())
    random, told = np.random.default_rng(0), []
    for page in range(2, len(whole) // 4096):
        broken = whole.copy()
        broken[page * 4096 + int(random.integers(8, 20))] ^= 0x55
        (folder / "data.mdb").write_bytes(broken)
        found = verify_image_lmdb(folder)
        told += [fault.what for fault in found.faults if fault.check == "data.mdb"]
    # Not every page is in use, nor every byte.
    assert len(told) >= 3
    assert all(
        text.startswith(("data.mdb is damaged: ", "data.mdb counts")) for text in told
    )
    assert any("MDB_" in text for text in told)


def test_values_that_are_no_image_are_named(folder: Path) -> None:
    change(folder, 10, lambda datum: setattr(datum, "data", datum.data[:-30]))
    change(folder, 40, lambda datum: setattr(datum, "height", 23))
    change(folder, 55, lambda datum: setattr(datum, "data", b""))
    put(folder, key_of(folder, 77), b"\xff\xff")
    seal(folder)
    found = verify_image_lmdb(folder)
    assert faults(found) == [
        ("images", 10, 3), ("images", 40, 11), ("images", 55, 40), ("images", 77, 50)
    ]  # fmt: skip
    assert [fault.what.split(";")[0] for fault in found.faults] == [
        found.faults[0].what, "decodes to 24 x 32 x 3", "its 0 bytes cannot be decoded",
        "the value is no Datum",
    ]  # fmt: skip
    assert "cannot be decoded" in found.faults[0].what


def test_a_form_that_build_json_does_not_state(folder: Path) -> None:
    def decode(datum: Datum) -> None:
        pixels = cv2.imdecode(np.frombuffer(datum.data, np.uint8), cv2.IMREAD_COLOR)
        datum.data, datum.encoded = pixels.transpose(2, 0, 1).tobytes(), False

    def shrink(datum: Datum) -> None:
        pixels = np.zeros((12, 16, 3), np.uint8)
        datum.data = cv2.imencode(".jpg", pixels)[1].tobytes()
        datum.height, datum.width = 12, 16

    def lose_pixels(datum: Datum) -> None:
        datum.data, datum.encoded = b"x" * 100, False

    for record, how in ((1, decode), (2, shrink), (4, lose_pixels)):
        change(folder, record, how)
    seal(folder)
    assert [fault.what for fault in verify_image_lmdb(folder).faults] == [
        "holds pixels; build.json says an encoded image",
        "is 12 x 16; build.json says 24 x 32",
        "100 bytes of pixels; its size is 24 x 32 x 3",
    ]


def test_another_list_is_told_with_its_first_difference(
    folder: Path, fleet: Fleet
) -> None:
    fewer = Fleet(fleet.root, fleet.images[:3] + fleet.images[4:])
    found = compared(folder, fewer)
    assert "90 images then, 89 in this split" in found.faults[0].what
    assert faults(found)[1] == ("data set", 3, 3)
    images = list(fleet.images)
    images[30:50] = [
        replace(image, vehicle_id=9, model_id=6) for image in images[30:50]
    ]
    found = compared(folder, Fleet(fleet.root, tuple(images)))
    assert found.faults[1].what == "labels.json does not stand for this data set's ids"
    assert found.faults[2].what == "the data set says vehicle 9"
    assert found.faulty == {"data set": 22}


def test_a_photograph_that_changed_or_went_is_named(
    folder: Path, fleet: Fleet, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(fleet.root, tmp_path / "fleet"))
    shutil.copy(root / "11_3.png", root / "11_4.png")
    (root / "40_0.png").unlink()
    found = compared(folder, Fleet(root, fleet.images))
    assert faults(found) == [("pixels", 34, 11), ("pixels", 45, 40)]
    assert "no source to compare with" in found.faults[1].what


def run(*arguments: object) -> Done:
    return run_tool("verify_lmdb.py", *arguments)


def test_the_command(folder: Path, fleet: Fleet, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(image_list(fleet.images))
    data = ("--dataset", listed, "--split", "all", "--root", fleet.root)
    whole = run(folder, *data)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "90 records, nothing is wrong" in whole.stdout
    assert "not checked" not in whole.stdout
    change(folder, 41, lambda datum: setattr(datum, "label", 0))
    output = tmp_path / "found.json"
    bad = run(folder, "--json", output, "--faults", 1)
    assert (bad.returncode, bad.stderr) == (1, "")
    key = key_of(folder, 41).decode()
    assert f"(record 41, {key}, vehicle 11)" in bad.stdout
    assert "and 1 more" in bad.stdout
    content = json.loads(output.read_text())
    assert content["schema"] == "drdl.verify_lmdb/1"
    assert (content["whole"], content["records"]) == (False, 90)
    assert content["faulty"] == {"checksums": 1, "labels": 1}
    assert content["faults"][1]["vehicle"] == 11


def test_the_command_used_wrongly(tmp_path: Path) -> None:
    missing = run(tmp_path)
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: no image LMDB: there is no data.mdb\n")
    assert run(tmp_path, "--split", "all").returncode == 2

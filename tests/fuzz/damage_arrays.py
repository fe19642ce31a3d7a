"""Ways to spoil files of arrays: HDF5, NumPy's npz, image LMDBs, photographs."""

import random
import zipfile
from pathlib import Path
from typing import Any

import cv2
import h5py
import lmdb
import numpy as np

from fuzz import damage, extremes
from fuzz.damage_messages import change_message
from pydrdl.messages import Datum

PAGE = 4096  # of an LMDB
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def hdf5_changed(path: Path, rng: random.Random) -> None:
    """Changes datasets and attributes of an HDF5 file that stays one."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        for _ in range(rng.choice((1, 1, 2))):
            name = rng.choice(names)
            if not has_values(file, name):
                continue
            if file.attrs and rng.random() < 0.3:
                _change_attribute(file.attrs, rng)
            elif rng.random() < 0.2 or isinstance(file[name], h5py.Group):
                _move(file, name, names, rng)
            else:
                held = file[name][...]
                del file[name]
                file[name] = array_changed(held, rng)


def snapshot_changed(path: Path, rng: random.Random) -> None:
    """Changes an HDF5 snapshot of Caffe and takes off its seal, as others write it."""
    hdf5_changed(path, rng)
    data = path.read_bytes()
    block = data.find(HDF5_SIGNATURE)
    path.write_bytes(bytes(max(0, block)) + data[max(0, block) :])


def has_values(file: Any, name: str) -> bool:
    """Whether it is a dataset or group with something in it; damage may be there."""
    try:
        item = file[name]
    except (KeyError, RuntimeError):  # a link that leads nowhere
        return False
    return isinstance(item, h5py.Group) or item.shape is not None


def _change_attribute(attributes: Any, rng: random.Random) -> None:
    name = rng.choice(sorted(attributes))
    values = (
        extremes.WHOLE[rng.randrange(10)], extremes.real(rng), "x" * 40, np.zeros(3),
        h5py.Empty("f"), np.bytes_(b"\xff\xfe"), "",
    )  # fmt: skip
    attributes[name] = rng.choice(values)


def _move(file: Any, name: str, names: list[str], rng: random.Random) -> None:
    held = file[name]
    del file[name]
    match rng.randrange(6):
        case 0:
            other = rng.choice(("other", name + "2"))
            if other not in file:
                file[other] = held
        case 1:
            file.require_group(name)
        case 2:
            file[name] = h5py.SoftLink(rng.choice(("/" + name, "/nothing")))
        case 3:
            file[name] = h5py.ExternalLink("no_such_file.h5", "/a")
        case 4:
            file[name] = h5py.Empty("f")


def array_changed(values: Any, rng: random.Random) -> Any:
    """The array with another shape, type or value."""
    match rng.randrange(7):
        case 0:
            return values[: rng.choice((0, 1, len(values) // 2))] if values.ndim else 5
        case 1:
            return values[..., None] if rng.random() < 0.5 else values.reshape(-1)
        case 2:
            return np.concatenate([values, values]) if values.ndim else [values] * 3
        case 3:
            return np.zeros(
                values.shape, rng.choice(("f8", "f2", "i1", "u8", "?", "c8"))
            )
        case 4:
            return np.full(values.shape, rng.choice((b"text", b"\xff", b"")))
        case 5:
            return np.zeros(values.shape, np.dtype([("a", "i4"), ("b", "f4")]))
    if values.dtype.kind not in "fiu" or not values.size:
        return values[::-1] if values.ndim else b"text"
    changed = values.copy().reshape(-1)
    count = rng.choice((1, 1, changed.size))
    value: float = extremes.real(rng)
    if changed.dtype.kind != "f":
        info = np.iinfo(changed.dtype)
        value = extremes.whole(rng, int(info.min), int(info.max))
    with np.errstate(over="ignore"):
        changed[rng.sample(range(changed.size), count)] = value
    return changed.reshape(values.shape)


def npz_changed(path: Path, rng: random.Random) -> None:
    """Changes arrays of an npz that stays one; one may hold a pickle."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(sorted(arrays))
        match rng.randrange(6):
            case 0:
                del arrays[name]
            case 1:
                arrays[name] = np.array([{"an": "object"}], object)
            case 2 if arrays[name].dtype.kind == "U":
                held = path.with_name("held.json")
                held.write_text(str(arrays[name]))
                damage.json_changed(held, rng)
                arrays[name] = np.array(held.read_text())
                held.unlink()
            case _:
                arrays[name] = np.asarray(array_changed(arrays[name], rng))
        if not arrays:
            break
    np.savez(path, **arrays)


def npz_member_cut(path: Path, rng: random.Random) -> None:
    """An npz whose members are spoilt behind a checksum that is right."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    chosen = rng.choice(sorted(members))
    held = path.with_name("held.npy")
    held.write_bytes(members[chosen])
    rng.choice((damage.bytes_changed, damage.cut_off))(held, rng)
    members[chosen] = held.read_bytes()
    held.unlink()
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)


def records_changed(path: Path, rng: random.Random) -> None:
    """Changes records of an LMDB that stays one; path is its data.mdb."""
    folder = str(path.parent)
    with (
        lmdb.open(folder, map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        records = [(bytes(k), bytes(v)) for k, v in transaction.cursor()]
        for _ in range(rng.choice((1, 1, 3))):
            _change_record(transaction, *rng.choice(records), rng)


def _change_record(
    transaction: Any, key: bytes, value: bytes, rng: random.Random
) -> None:
    match rng.randrange(6):
        case 0:
            transaction.delete(key)
        case 1:
            transaction.put(key, value[: rng.randrange(len(value))])
        case 2:
            transaction.delete(key)
            transaction.put(rng.choice((b"a", b"\xff\xfe", key + b"x")), value)
        case 3:
            transaction.put(b"zzzz", rng.choice((b"", value)))
        case _:
            datum = Datum.FromString(value)
            change_message(datum, rng, ())
            transaction.put(key, datum.SerializeToString())


def pages_changed(path: Path, rng: random.Random) -> None:
    """Changes the heads of an LMDB's pages, which say where everything stands."""
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 2, 8))):
        at = rng.randrange(len(data) // PAGE) * PAGE + rng.randrange(48)
        data[at] = rng.choice((0, 1, 255, data[at] ^ (1 << rng.randrange(8))))
    path.write_bytes(data)


def picture_changed(path: Path, rng: random.Random) -> None:
    """Another form, size, depth or number of channels under the same name."""
    shape = rng.choice(((1, 1), (1, 900), (7, 7), (900, 1), (40, 30)))
    pixels = np.zeros(
        (*shape, rng.choice((1, 3, 4))), rng.choice((np.uint8, np.uint16))
    )
    end = rng.choice((".png", ".bmp", ".tiff", ".webp", ".jpg", ".pgm", ".hdr", ".jp2"))
    try:
        done, data = cv2.imencode(end, pixels)
    except cv2.error:
        done, data = False, np.zeros(0, np.uint8)
    path.write_bytes(data.tobytes() if done else b"P5\n60000 60000\n255\n")
    if rng.random() < 0.3:
        damage.bytes_changed(path, rng)

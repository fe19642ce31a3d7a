"""A tiny folder in the layout of each data set, photographs included.

The lists have the quirks of the releases: zero padding, CRLF, no final newline,
names first, Chinese in gb2312, wrongly declared encodings, a header line, boxes
that count from 1. No file of a real data set was used.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 48, 36
# Left, top, right, bottom as CompCars counts: from 1, the last pixel included.
BOX = (9, 5, 40, 30)


def write_photo(path: Path) -> None:
    """Writes a JPEG with pixels of its own, which depend on the path's end."""
    seed = zlib.crc32("/".join(path.parts[-3:]).encode())
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.resize(coarse, (WIDTH, HEIGHT)))


def huge_png() -> bytes:
    """A small file whose header claims more pixels than OpenCV takes."""
    data = bytearray(cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes())
    data[16:24] = (60_000).to_bytes(4) * 2  # width and height, in the chunk IHDR
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    return bytes(data)


def write_text(
    path: Path,
    lines: Iterable[object],
    *,
    line_end: str = "\n",
    final: bool = True,
    encoding: str = "utf-8",
) -> None:
    """Writes lines, with or without a line end after the last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = line_end.join(map(str, lines)) + (line_end if final else "")
    path.write_bytes(text.encode(encoding))


def write_vehicleid(root: Path) -> Path:
    """VehicleID: 6 vehicles to train on, 3 + 4 to test, one in both test lists.

    Vehicle 30 has no model label, and model 2 no vehicle.
    """
    vehicles = {7: 6, 12: 5, 30: 5, 27957: 7, 41: 5, 42: 5}
    vehicles |= {101: 3, 102: 3, 103: 2, 104: 4, 105: 2, 106: 2}
    images: dict[int, list[int]] = {}
    number = 2
    for vehicle, count in vehicles.items():
        images[vehicle] = list(range(number, number + count))
        number += count + 1  # numbers have gaps

    def lines(*ids: int) -> list[str]:
        # Grouped by vehicle, not sorted inside.
        return [f"{n:07d} {v}" for v in ids for n in reversed(images[v])]

    splits, attributes = root / "train_test_split", root / "attribute"
    write_text(splits / "train_list.txt", lines(7, 12, 30, 27957, 41, 42), final=False)
    write_text(splits / "test_list_800.txt", lines(101, 102, 103))
    write_text(
        splits / "test_list_1600.txt", lines(103, 104, 105, 106), line_end="\r\n"
    )
    models = {7: 3, 12: 0, 27957: 3, 41: 1, 42: 0}
    write_text(attributes / "model_attr.txt", [f"{v} {m}" for v, m in models.items()])
    names = ["奥迪A6 0", "BMW X5 1", "大众 2", "Ford Focus 3"]
    write_text(attributes / "model_names.txt", names)
    write_text(attributes / "color_attr.txt", ["7 4", "12 0"])
    write_text(attributes / "color_names.txt", ["black 0", "sliver 4"], line_end="\r\n")
    pairs = [f"{n:07d} {v}" for v, numbers in images.items() for n in numbers]
    write_text(attributes / "img2vid.txt", pairs)
    for numbers in images.values():
        for n in numbers:
            write_photo(root / f"image/{n:07d}.jpg")
    return root


def write_veri(root: Path) -> Path:
    """VeRi-776: 3 vehicles to train on, 2 to test, 4 queries."""
    train = _veri_names({1: (1, 2), 3: (2, 5), 776: (20,)}, images=5)
    test = _veri_names({2: (2, 3), 5: (2, 8, 19)}, images=3)
    query = [n for n in test if n[:9] in {"0002_c002", "0002_c003", "0005_c008"}][::3]
    query.append(test[-1])
    write_text(root / "name_train.txt", train, line_end="\r\n")
    write_text(root / "name_query.txt", query, final=False)
    write_text(root / "name_test.txt", test)
    for folder, names in (("train", train), ("query", query), ("test", test)):
        for name in names:
            write_photo(root / f"image_{folder}" / name)
    for name in query:  # every query lies in image_test/ too
        photo = (root / "image_test" / name).read_bytes()
        (root / "image_query" / name).write_bytes(photo)
    _veri_xml(root / "train_label.xml", train, "gb2312", "gb2312")
    _veri_xml(root / "test_label.xml", test, "utf-8", "gb2312")  # as it happens
    matches, junk = [], []
    for name in query:
        same = [k for k, n in enumerate(test, start=1) if n[:4] == name[:4]]
        cameras = {k: test[k - 1][5:9] for k in same}
        matches.append([k for k in same if cameras[k] != name[5:9]])
        junk.append([k for k in same if cameras[k] == name[5:9]])
    for file, rows in (("gt_index.txt", matches), ("jk_index.txt", junk)):
        lines = [" ".join(map(str, row)) + " " for row in rows]
        write_text(root / file, lines, line_end="\r\n")
    tracks = [" ".join(test[k : k + 3]) for k in range(0, len(test), 3)]
    write_text(root / "test_track.txt", tracks, line_end="\r\n")
    return root


def _veri_names(cameras_of: dict[int, Sequence[int]], images: int) -> list[str]:
    return [
        f"{vehicle:04d}_c{camera:03d}_{30600 + 5 * k:08d}_{k % 2}.jpg"
        for vehicle, cameras in cameras_of.items()
        for camera in cameras
        for k in range(images)
    ]


def _veri_xml(path: Path, names: Sequence[str], declared: str, encoding: str) -> None:
    items = [
        f'        <Item imageName="{n}" vehicleID="{n[:4]}" cameraID="{n[5:9]}" '
        'colorID="1" typeID="4" />'
        for n in names
    ]
    lines = [
        f'<?xml version="1.0" encoding="{declared}" ?>',
        "<!-- 车辆 -->",
        '<TrainingImages Version="1.0">',
        f'    <Items number="{len(names)}">',
        *items,
        "    </Items>",
        "</TrainingImages>",
    ]
    write_text(path, lines, line_end="\r\n", encoding=encoding)


def write_veri_wild(root: Path) -> Path:
    """VERI-Wild: 4 vehicles to train on; two test sizes with overlapping vehicles."""
    images: dict[int, list[int]] = {}
    number = 1
    for vehicle, count in {1: 5, 2: 6, 31: 5, 40671: 5, 70: 4, 71: 3, 72: 4}.items():
        images[vehicle] = list(range(number, number + count))
        number += count
    makes = {1: "Volkswagen", 2: " Citroen", 31: "Volkswagen", 40671: "BMW"}

    def name(vehicle: int, number: int) -> str:
        return f"{vehicle:05d}/{number:06d}"

    def info(vehicle: int, number: int) -> str:
        camera = 1 + (7 * number) % 174
        make = makes.get(vehicle, "Bao Jun")
        return f"{name(vehicle, number)};{camera};2018-03-11 08:00:00;{make};SUV;white"

    folder = root / "train_test_split"
    header = "id/image;Camera ID;Time;Model;Type;Color"
    rows = [info(v, n) for v, numbers in images.items() for n in numbers]
    write_text(folder / "vehicle_info.txt", [header, *rows], line_end="\r\n")
    train = [name(v, n) for v in (1, 2, 31, 40671) for n in images[v]]
    write_text(folder / "train_list.txt", train)
    for size, vehicles in ((3000, (70, 71)), (5000, (71, 72))):
        query = [name(v, images[v][0]) for v in vehicles]
        gallery = [name(v, n) for v in vehicles for n in images[v][1:]]
        write_text(folder / f"test_{size}_query.txt", query)
        write_text(folder / f"test_{size}.txt", gallery, final=False)
    for vehicle, numbers in images.items():
        for n in numbers:
            write_photo(root / f"images/{name(vehicle, n)}.jpg")
    return root


def write_compcars(root: Path) -> Path:
    """CompCars: models 1, 1815 of make 78 and 2 of make 9; parts II and III.

    Every vehicle stands in BOX. Positive pairs share the model; the hard
    negatives share the make.
    """

    def photos(make: int, model: int, count: int) -> list[str]:
        stem = "3ac218c0c6c3"
        return [f"{make}/{model}/2014/{stem}{n:02d}.jpg" for n in range(count)]

    part_1 = [*photos(78, 1, 6), *photos(78, 1815, 6), *photos(9, 2, 6)]
    part_2 = [*photos(101, 600, 3), *photos(101, 601, 3)]
    a, b, c = photos(78, 700, 3), photos(78, 701, 3), photos(12, 702, 3)
    folder = root / "train_test_split"
    write_text(folder / "classification/train.txt", part_1[::2])
    write_text(folder / "classification/test.txt", part_1[1::2], final=False)
    pairs = folder / "verification"
    write_text(pairs / "verification_train.txt", part_2, line_end="\r\n")
    easy = [f"{a[0]} {a[1]} 1", f"{b[0]} {c[0]} 0"]
    medium = [f"{b[1]} {b[2]} 1", f"{a[2]} {c[1]} 0"]
    hard = [f"{c[1]} {c[2]} 1", f"{a[0]} {b[0]} 0", f"{a[1]} {b[1]} 0"]
    write_text(pairs / "verification_pairs_easy.txt", easy)
    write_text(pairs / "verification_pairs_medium.txt", medium, line_end="\r\n")
    write_text(pairs / "verification_pairs_hard.txt", hard, final=False)
    for n, name in enumerate([*part_1, *part_2, *a, *b, *c]):
        write_photo(root / "image" / name)
        viewpoint = (-1, 1, 2, 3, 4, 5)[n % 6]
        label = [viewpoint, 1, " ".join(map(str, BOX))]
        write_text(root / "label" / name.replace(".jpg", ".txt"), label)
    write_text(root / "misc/attributes.txt", ["model_id maximum_speed", "1 235"])
    return root


def write_surveillance(root: Path) -> Path:
    """CompCars' sv_data: models 3, 33 and 281."""
    names = [f"{m}/dccbbe07e8ff{n:02d}.jpg" for m in (3, 33, 281) for n in range(6)]
    write_text(root / "train_surveillance.txt", names[::2])
    write_text(root / "test_surveillance.txt", names[1::2], final=False)
    for name in names:
        write_photo(root / "image" / name)
    return root


def write_image_list(root: Path) -> Path:
    """An image list with its photographs beside it; returns the list's path."""
    names = [f"photos/car {v} {n}.jpg" for v in (5, 9, 12) for n in range(5)]
    lines = [f"{n} {n.split()[1]} {int(n.split()[1]) % 2} 1" for n in names]
    write_text(root / "list.txt", ["# path vehicle model camera", *lines])
    for name in names:
        write_photo(root / name)
    return root / "list.txt"


# By the name that the reader gives; an image list is named after its file.
LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "VehicleID": write_vehicleid,
    "VeRi-776": write_veri,
    "VERI-Wild": write_veri_wild,
    "CompCars": write_compcars,
    "CompCars surveillance": write_surveillance,
    "list": write_image_list,
}

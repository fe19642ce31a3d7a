"""The one reader of images: against OpenCV, and one verdict in every tool."""

import io
import os
import socket
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from commands import run_tool
from dataset_layouts import LAYOUTS, huge_png
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl import start
from pydrdl.check.images import decode_image, stat_image
from pydrdl.datasets import Image, images
from pydrdl.datasets.images import UnreadableImageError, decode, read_image, verify
from pydrdl.errors import InputError

SAMPLING = cv2.IMWRITE_JPEG_SAMPLING_FACTOR


def photo(height: int, width: int, noise: int = 5) -> np.ndarray:
    random = np.random.default_rng((height, width))
    coarse = random.integers(0, 256, (9, 7, 3), np.uint8)
    smooth = np.asarray(cv2.resize(coarse, (width, height)), int)
    grain = random.integers(-noise, noise + 1, smooth.shape)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def by_opencv(suffix: str, *options: int) -> Callable[[np.ndarray], bytes]:
    def encode(pixels: np.ndarray) -> bytes:
        return np.asarray(cv2.imencode(suffix, pixels, options)[1]).tobytes()

    return encode


def by_pillow(kind: str, mode: str = "RGB", **options: object):
    def encode(pixels: np.ndarray) -> bytes:
        with io.BytesIO() as file:
            PIL.Image.fromarray(pixels).convert(mode).save(file, kind, **options)
            return file.getvalue()

    return encode


def turned(pixels: np.ndarray) -> bytes:
    exif = PIL.Image.Exif()
    exif[0x112] = 6  # a quarter turn
    return by_pillow("JPEG", exif=exif)(pixels)


ENCODERS = {
    "420": by_opencv(".jpg", SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    "422": by_opencv(".jpg", SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422),
    "440": by_opencv(".jpg", SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440),
    "411": by_opencv(".jpg", SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
    "444": by_opencv(".jpg", SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    "coarse": by_opencv(".jpg", cv2.IMWRITE_JPEG_QUALITY, 8),
    "progressive": by_opencv(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": by_opencv(".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "grey": by_pillow("JPEG", "L"),
    "cmyk": by_pillow("JPEG", "CMYK"),
    "rgb": by_pillow("JPEG", keep_rgb=True),
    "turned": turned,
    "png": by_opencv(".png"),
    "palette": by_pillow("PNG", "P"),
    "alpha": by_pillow("PNG", "RGBA"),
    "16 bit": lambda pixels: by_opencv(".png")(pixels.astype(np.uint16) * 257),
    "bmp": by_opencv(".bmp"),
    "gif": by_pillow("GIF"),
    "tiff": by_opencv(".tiff"),
    "tiff with jpeg": by_pillow("TIFF", compression="jpeg"),
    "webp": by_opencv(".webp"),
    "ppm": by_opencv(".ppm"),
    "jpeg 2000": by_pillow("JPEG2000", num_resolutions=1),
    "sun raster": by_opencv(".ras"),
    "radiance": lambda pixels: by_opencv(".hdr")(pixels.astype(np.float32)),
}
JPEG = list(ENCODERS)[: list(ENCODERS).index("png")]
# Sides under 8 pixels are those that an eighth would not have.
SIZES = [(1, 1), (7, 50), (50, 7), (8, 8), (33, 65), (90, 64)]


def opencv(data: bytes) -> np.ndarray | None:
    """What OpenCV alone makes of a file's bytes."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ENCODERS)
def test_pixels_are_those_of_opencv(kind: str, size: tuple[int, int]) -> None:
    data = ENCODERS[kind](photo(*size))
    expected = opencv(data)
    assert expected is not None
    decoded = decode(data)
    np.testing.assert_array_equal(decoded.pixels, expected)
    seen = verify(data, turned=True)
    assert (seen.height, seen.width) == expected.shape[:2]
    assert decoded.damage == seen.damage == verify(data, turned=False).damage == ""


DAMAGED = {kind: ENCODERS[kind](photo(70, 90)) for kind in ENCODERS}


@settings(deadline=None)
@given(
    kind=st.sampled_from(sorted(ENCODERS)),
    kept=st.floats(0.01, 1),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=3),
)
def test_one_verdict_on_damaged_files(
    kind: str, kept: float, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(DAMAGED[kind])
    for place, change in flips:
        data[int(place * (len(data) - 1))] ^= change
    content = bytes(data if flips else data[: round(kept * len(data))])
    expected = opencv(content)
    if expected is None or expected.size > 3 * start.DEFAULT:
        for judge in (decode, lambda d: verify(d, turned=True),
                      lambda d: verify(d, turned=False)):  # fmt: skip
            with pytest.raises(UnreadableImageError):
                judge(content)
        return
    decoded = decode(content)
    np.testing.assert_array_equal(decoded.pixels, expected)
    for is_turned in (True, False):
        assert verify(content, turned=is_turned).damage == decoded.damage
    seen = verify(content, turned=True)
    assert (seen.height, seen.width) == expected.shape[:2]


def spoilt(kind: str) -> bytes:
    """A JPEG with foreign bytes in the middle of its compressed data."""
    data = DAMAGED[kind]
    middle = (data.index(b"\xff\xda") + len(data)) // 2
    return data[:middle] + bytes(range(60, 100)) + data[middle:]


@pytest.mark.parametrize(
    "kind", [kind for kind in JPEG if kind != "coarse"]
)  # has hardly any data
def test_damage_that_libjpeg_reports_is_told(kind: str) -> None:
    data = spoilt(kind)
    assert opencv(data) is not None
    damage = decode(data).damage
    assert damage.startswith("Corrupt JPEG data: ")
    assert verify(data, turned=False).damage == damage
    more = DAMAGED[kind][:-2] + b"no marker" + DAMAGED[kind][-2:]
    assert decode(more).damage.startswith("Corrupt JPEG data: ")


@pytest.mark.parametrize("kind", [*ENCODERS])
def test_the_bound_is_asked_before_anything_is_decoded(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ENCODERS[kind](photo(31, 17))
    monkeypatch.setenv(start.VARIABLE, str(31 * 17))
    assert decode(data).pixels.size == 3 * 31 * 17
    monkeypatch.setenv(start.VARIABLE, str(31 * 17 - 1))
    if kind != "radiance":  # of which only OpenCV knows the size, see start.py
        for module, name in ((images.cv2, "imdecode"),
                             (images.simplejpeg, "decode_jpeg")):  # fmt: skip
            monkeypatch.setattr(module, name, None)
    for judge in (decode, lambda d: verify(d, turned=True)):
        with pytest.raises(
            UnreadableImageError, match="more than the 526 that"
        ) as refused:
            judge(data)
        assert start.VARIABLE in refused.value.next_step


def claims_much(side: int) -> bytes:
    """A small JPEG whose header claims side x side pixels."""
    data = bytearray(by_opencv(".jpg")(photo(64, 64)))
    place = data.find(b"\xff\xc0")
    data[place + 5 : place + 9] = side.to_bytes(2) * 2
    return bytes(data)


@pytest.mark.parametrize("data", [claims_much(40_000), claims_much(12_000), huge_png()])
def test_headers_that_claim_too_much(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    look = decode_image(tmp_path, Image("a.jpg", 1))
    assert "00 pixels, which are more than the 134,217,728" in look.unreadable
    with pytest.raises(InputError, match="which are more than the 134,217,728"):
        read_image(tmp_path, Image("a.jpg", 1), None)


@pytest.mark.parametrize("width", [1, 2**20 + 1])
def test_a_side_that_is_too_long(width: int) -> None:
    """OpenCV's own bound on sides, of 2^20 pixels, is no bound on all pixels."""
    height = 2**20 + 2 - width
    data = f"P5 {width} {height} 255\n".encode() + bytes(width * height)
    with pytest.raises(UnreadableImageError, match="a side has more pixels") as refused:
        decode(data)
    assert "OPENCV_IO_MAX_IMAGE_WIDTH" in refused.value.next_step


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(images.MAX_BYTES + 1)  # a sparse one
    with pytest.raises(InputError, match="has 1,073,741,825 bytes, more than"):
        read_image(tmp_path, Image("a.jpg", 1), None)
    look = decode_image(tmp_path, Image("a.jpg", 1))
    assert "has 1,073,741,825 bytes, more than" in look.unreadable


def test_no_memory_is_no_fault_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        error = cv2.error("Insufficient memory")
        error.code = cv2.Error.StsNoMem
        raise error

    data = DAMAGED["png"]
    monkeypatch.setattr(images.cv2, "imdecode", full)
    with pytest.raises(MemoryError):
        decode(data)


# --- What is no regular file


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's whole path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


IRREGULAR = {
    "a named pipe": make_pipe,
    "a socket": make_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", IRREGULAR)
def test_what_is_no_regular_file_is_refused(kind: str, tmp_path: Path) -> None:
    IRREGULAR[kind](tmp_path / "a.jpg")
    image = Image("a.jpg", 3)
    for look in (stat_image, decode_image):
        assert look(tmp_path, image).unreadable == f"{kind}, no regular file"
    with pytest.raises(InputError, match="of vehicle 3") as refused:
        read_image(tmp_path, image, None)
    assert refused.value.where == str(tmp_path / "a.jpg")


# --- The tools


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of four vehicles with three photographs each."""
    lines = []
    for vehicle in range(4):
        for number in range(3):
            name = f"{vehicle}_{number}.jpg"
            pixels = photo(40 + vehicle, 50 + number)
            (tmp_path / name).write_bytes(by_opencv(".jpg")(pixels))
            lines.append(f"{name} {vehicle} {vehicle % 2}")
    path = tmp_path / "own.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


CHECK = ("--positives", 2, "--negatives", 2)
COMMANDS = {
    "check": lambda listed: ("dataset.py", "check", listed, *CHECK),
    "show": lambda listed: (
        "dataset.py", "show", listed, "--output", listed.with_name("s.png"),
        "--vehicles", 4, "--images", 3,
    ),
    "build": lambda listed: (
        "build_lmdb.py", listed, listed.with_name("lmdb"), "--split", "all",
        "--size", 32,
    ),
}  # fmt: skip
MARKED = ["check", "show", pytest.param("build", marks=pytest.mark.caffe)]


@pytest.mark.parametrize("command", MARKED)
def test_tools_name_damaged_photographs(listed: Path, command: str) -> None:
    listed.with_name("2_1.jpg").write_bytes(spoilt("420"))
    done = run_tool(*COMMANDS[command](listed))
    assert done.returncode == 0, done.stderr
    told = done.stdout if command == "check" else done.stderr
    assert "warning: damaged photographs that can be decoded" in told
    assert "2_1.jpg (vehicle 2): Corrupt JPEG data: " in told


@pytest.mark.parametrize("kind", ["a named pipe", "a device"])
@pytest.mark.parametrize("command", MARKED)
def test_tools_do_not_wait_for_a_pipe(listed: Path, command: str, kind: str) -> None:
    path = listed.with_name("2_1.jpg")
    path.unlink()
    IRREGULAR[kind](path)
    done = run_tool(*COMMANDS[command](listed))
    assert done.returncode == 1
    assert "no regular file" in done.stdout + done.stderr
    assert "2_1.jpg" in done.stdout + done.stderr


@pytest.mark.caffe
def test_extraction_names_damage_and_refuses_pipes(tmp_path: Path) -> None:
    from pydrdl.features.deploy_net import Preprocess
    from pydrdl.features.extract import decoded

    (tmp_path / "whole.jpg").write_bytes(DAMAGED["420"])
    (tmp_path / "spoilt.jpg").write_bytes(spoilt("420"))
    shown = [Image("whole.jpg", 1), Image("spoilt.jpg", 2)]
    noted: list[tuple[Image, str]] = []
    made = decoded(
        shown, tmp_path, Preprocess(16, 12, (0, 0, 0)), 4,
        note=lambda *told: noted.append(told),
    )  # fmt: skip
    assert [inputs.shape for inputs in made] == [(3, 12, 12)] * 2
    assert noted == [(shown[1], decode(spoilt("420")).damage)]
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(InputError, match="a named pipe, no regular file"):
        list(
            decoded([Image("pipe.jpg", 3)], tmp_path, Preprocess(16, 12, (0, 0, 0)), 4)
        )


@pytest.mark.parametrize("kind", ["a named pipe", "a device"])
@pytest.mark.parametrize("command", MARKED)
def test_a_list_that_is_no_regular_file(
    tmp_path: Path, command: str, kind: str
) -> None:
    IRREGULAR[kind](tmp_path / "own.txt")
    done = run_tool(*COMMANDS[command](tmp_path / "own.txt"))
    assert done.returncode == 1
    assert f"{kind}, no regular file" in done.stderr
    assert f"where: {tmp_path / 'own.txt'}" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("layout", "file"),
    [
        ("VehicleID", "attribute/model_attr.txt"),
        ("VehicleID", "attribute/img2vid.txt"),
        ("VeRi-776", "name_query.txt"),
        ("VeRi-776", "gt_index.txt"),
        ("VERI-Wild", "train_test_split/vehicle_info.txt"),
        ("CompCars", "train_test_split/classification/train.txt"),
    ],
)
def test_a_data_sets_file_that_is_a_pipe(
    tmp_path: Path, layout: str, file: str
) -> None:
    root = LAYOUTS[layout](tmp_path / "set")
    (root / file).unlink()
    os.mkfifo(root / file)
    done = run_tool("dataset.py", "check", root, "--fast")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "a named pipe, no regular file" in said and Path(file).name in said


def test_one_variable_sets_the_bound_everywhere(listed: Path) -> None:
    largest = 43 * 52
    for most, code in ((largest, 0), (largest - 1, 1)):
        done = run_tool(*COMMANDS["check"](listed), **{start.VARIABLE: str(most)})
        assert done.returncode == code, done.stdout + done.stderr
    assert f"more than the {largest - 1:,} that are decoded" in done.stdout
    for nonsense in ("1e9", "-4", "", "100MB", "x"):
        done = run_tool("dataset.py", "--help", **{start.VARIABLE: nonsense})
        assert done.returncode == 1
        assert done.stderr.splitlines()[1:] == [
            f"  where: {start.VARIABLE}",
            "  next: unset it, or give a number such as 134217728",
        ]


def test_opencv_has_the_bound_in_tools(listed: Path) -> None:
    """For kinds whose headers only OpenCV reads."""
    data = ENCODERS["radiance"](photo(9, 11))
    data = data.replace(b"-Y 9 +X 11", b"-Y 30000 +X 30000")
    listed.with_name("2_1.jpg").write_bytes(data)
    done = run_tool(*COMMANDS["check"](listed))
    assert done.returncode == 1
    assert "2_1.jpg (vehicle 2): its header claims more pixels than" in done.stdout

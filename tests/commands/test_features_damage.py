"""Damaged features: refused within seconds, whatever libhdf5 would do with them."""

import base64
import signal
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import h5py
import pytest
from commands import PIPE, python, run, run_tool, start
from drawn_features import make

from pydrdl.cli import Note
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, hdf5, read_features, write_features

# A features file of before there were seals, 9 of whose bytes are zeroed: libhdf5
# 1.10 and 2.0 read its attributes for ever.
ENDLESS = zlib.decompress(base64.b85decode(
    b"c-rk*!EVz)5FI;?V^Sw}C8Vb1fVpvkf&}755e?*kXa(F`<7`MIr;Y5iloK4wEk{0~M?RsSz$fqt{"
    b"6VqTGqJr*9V`*ih<#Etnc4C4%<gy`O}=)vUo`3)b%<dYpn(lpTp*k~d7akxQ7R};QJ$$}H~Cr%?K"
    b"bj%tL3kM_om&By)OjNeKxg3Iw0{sqSJo18_Vyg@1p#<vDo`6P)%xEA^mP5)x@BqAC~(iy%JS^?78"
    b"aP1`R8C&49JfxLyT=ud8Z8XyB7lQKGL&<qHv={L^!I`+8?P-jglVf2<e#V-nz0iv1|d^H#AREuU1"
    b"2{isiz>esWLFV|I)nWE(DN*C&AJzBSUAEiqTp^iYPqfH~<X+h}J%eo&nceM@Lfvq{u)1)=~d750y"
    b"`k?pZ<W{1Ou%Vckrvf#&8D$rGeKvHjt_ylETQL__LM?ZvFHg&SlnjrK{G?X}T@!Rg&{aW?Tg1!fJ"
    b"FgVLL^AP{><ayr><m(lti1<mELpn;Y0O#sd!f$A?m~X=EQ%-S`uBRw9UlcOy#HX@@BS7{A+MhIgv"
    b"*BD*A#T?3cj<Z{4F6NAt50lAt50lAt52Ld|3S4=-f%JT#mWX;`ig%QtbzUMl_@!xI;cNI%fTW=d-"
    b";54wi<8UFJ_U059?j+|)qxp#25Kxr&1?@qe^*?x*p&-vJwQecs%Up9~JA49?TR^%dgT3;XWFM~|U"
    b"2-;G>c2Iu?81|Rz4a4wIT;i>21va&qW*viDUl8Z~{e7^gM1%HrVCBtLR$gk^;-7wnwGVwHK#1oGE"
    b"!MNmpH)ovRC}5-D&|_g({`@TY`jC()#BcBIi`@"
))  # fmt: skip


@pytest.fixture
def whole(tmp_path: Path) -> tuple[Path, FeatureSet]:
    content = make(4, 3)
    write_features(tmp_path / "whole.h5", content)
    return tmp_path / "whole.h5", content


def without_seal(path: Path) -> Path:
    """The same content as versions without seals wrote it."""
    old = path.with_name("old.h5")
    with h5py.File(path) as file, h5py.File(old, "w") as copy:
        for name in file:
            file.copy(name, copy)
        copy.attrs.update(file.attrs)
    return old


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever opens an HDF5 file here fails."""

    def opened(*_: object) -> None:
        raise AssertionError("libhdf5 has parsed a damaged file")

    monkeypatch.setattr(hdf5, "read_hdf5", opened)
    monkeypatch.setattr(hdf5.parallel, "python", opened)
    yield


@pytest.mark.usefixtures("no_library")
def test_every_flipped_bit_is_refused(whole: tuple[Path, FeatureSet]) -> None:
    path, _ = whole
    data = path.read_bytes()
    rng = Random(0)
    places = [*range(600), *rng.sample(range(len(data)), 1500), len(data) - 1]
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(InputError, match=r"cut off|damaged") as caught:
            read_features(path)
        assert caught.value.where == str(path)
        assert caught.value.next_step.startswith("extract again")


@pytest.mark.usefixtures("no_library")
def test_every_cut_and_everything_behind_is_refused(
    whole: tuple[Path, FeatureSet],
) -> None:
    path, _ = whole
    data = path.read_bytes()
    for size in [0, 3, 12, 24, 511, 512, 513, 600, len(data) // 2, len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(InputError, match=r"cut off: \d|not HDF5"):
            read_features(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(InputError, match="damaged: its checksum"):
        read_features(path)


def test_without_a_seal_it_is_read_with_a_note(
    whole: tuple[Path, FeatureSet],
) -> None:
    path, content = whole
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_features(path)
    with pytest.warns(Note, match=r"old\.h5 was written without a checksum"):
        found = read_features(without_seal(path))
    assert found.sha256 == content.sha256
    assert found.source == content.source
    assert found.features.flags.writeable
    assert (found.model_ids == content.model_ids).all()


def test_without_a_seal_it_is_cut_off(whole: tuple[Path, FeatureSet]) -> None:
    old = without_seal(whole[0])
    data = old.read_bytes()
    for size in (200, len(data) // 2, len(data) - 1):
        old.write_bytes(data[:size])
        with pytest.raises(InputError, match="the features: cut off"):
            read_features(old)


def test_the_library_loops_for_ever_on_this_file(tmp_path: Path) -> None:
    """Else the next test shows nothing; two seconds are a thousand times enough."""
    (tmp_path / "a.h5").write_bytes(ENDLESS)
    code = """
import resource, sys, h5py
file = h5py.File(sys.argv[1], "r")
used = resource.getrusage(resource.RUSAGE_SELF)
resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 2,) * 2)
dict(file.attrs)
"""
    done = run(*python(code), tmp_path / "a.h5")
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL), done.stderr


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(ENDLESS)
    with pytest.raises(InputError, match="damaged: reading it has no end"):
        read_features(tmp_path / "a.h5")


def test_damage_without_a_seal_is_an_error_or_not_noticed(
    whole: tuple[Path, FeatureSet],
) -> None:
    """Nothing else: no signal, no other exception."""
    old = without_seal(whole[0])
    data, rng = old.read_bytes(), Random(1)
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        for _ in range(12):
            changed = bytearray(data)
            at = rng.randrange(8, 2500)
            changed[at : at + 8] = bytes(8)
            old.write_bytes(changed)
            try:
                read_features(old)
            except InputError as error:
                assert error.where == str(old)
                refused += 1
    assert 2 < refused < 12


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            r"fails on it \(SIGSEGV",
        ),
        ("raise KeyError('a')", "damaged: KeyError: 'a'"),
        ("import sys; sys.exit(7)", "damaged: exit code 7"),
    ],
)
def test_the_other_process_may_end_however(
    whole: tuple[Path, FeatureSet], monkeypatch, code: str, message: str
) -> None:
    plain = hdf5.parallel.python
    monkeypatch.setattr(hdf5.parallel, "python", lambda _, *words: plain(code))
    with pytest.raises(InputError, match=message):
        read_features(without_seal(whole[0]))


def test_a_dataset_that_claims_more_than_there_is(
    whole: tuple[Path, FeatureSet],
) -> None:
    old = without_seal(whole[0])
    with h5py.File(old, "r+") as file:
        del file["features"]
        file.create_dataset("features", (10**6, 10**6), "f4")  # nothing is written
    with pytest.raises(InputError, match=r"\(1000000, 1000000\) values, more than fit"):
        read_features(old)


def test_data_outside_of_the_file_is_refused(whole: tuple[Path, FeatureSet]) -> None:
    old = without_seal(whole[0])
    secret = old.with_name("secret")
    secret.write_bytes(bytes(range(96)))
    with h5py.File(old, "r+") as file:
        del file["vehicle_id"]
        where = [(str(secret), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("vehicle_id", (12,), "i8", external=where)
    with pytest.raises(InputError, match="vehicle_id is data that is not in the file"):
        read_features(old)


def test_a_writer_s_lock(whole: tuple[Path, FeatureSet]) -> None:
    """A whole file is read under it; one of which nothing is known is in use."""
    path, content = whole
    old = without_seal(path)
    for locked in (path, old):
        with open_elsewhere(locked):
            with pytest.raises(InputError, match="in use by another process") as caught:
                read_features(locked)
            assert caught.value.next_step == "wait until that has ended"
    assert read_features(path).sha256 == content.sha256


class open_elsewhere:  # noqa: N801
    """Another process has opened the file for writing."""

    def __init__(self, path: Path) -> None:
        code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print(); input()"
        self._process = start(*python(code), path, stdin=PIPE, stdout=PIPE)

    def __enter__(self) -> None:
        assert self._process.stdout
        self._process.stdout.readline()

    def __exit__(self, *_: object) -> None:
        self._process.communicate("\n")


def test_the_tool_ends_with_three_lines_or_a_note(
    whole: tuple[Path, FeatureSet],
) -> None:
    path, _ = whole
    done = run_tool("eval_cmc.py", without_seal(path))
    assert done.returncode == 0
    assert done.stderr.startswith("note: ") and done.stderr.count("\n") == 1
    path.write_bytes(path.read_bytes()[:-1])
    done = run_tool("eval_cmc.py", path)
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "error", "  where", "  next",
    ]  # fmt: skip

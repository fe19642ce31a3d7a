"""The seal that Caffe and pydrdl share."""

import io
import zlib
from pathlib import Path

import pytest

from pydrdl.errors import InputError
from pydrdl.files import HDF5, PROTO, Seal, check_seal, sealed

BODY = b"123456789"


def check(data: bytes) -> Seal | None:
    return check_seal(io.BytesIO(data), "the weights", "here", "again")


def test_heads_are_those_of_caffe() -> None:
    """As whole_file.cpp writes them; the CRC-32 of 1 to 9 is in every catalogue."""
    crc = (0xCBF43926).to_bytes(4, "little")
    assert zlib.crc32(BODY) == 0xCBF43926
    head = b"DRDL seal 1\n" + (521).to_bytes(8, "little") + b"\n" + crc
    assert sealed(HDF5, memoryview(BODY)) == head + bytes(512 - len(head))
    assert sealed(PROTO, memoryview(BODY)) == (
        b"\xc2\x3e\x0e\x09" + (26).to_bytes(8, "little") + b"\x15" + crc
    )


def test_the_head_of_a_caffemodel_is_a_field_of_the_message() -> None:
    from pydrdl import messages

    body = messages.caffe_pb2.NetParameter(name="n").SerializeToString()
    whole = sealed(PROTO, memoryview(body)) + body
    net = messages.caffe_pb2.NetParameter.FromString(whole)
    assert net.name == "n"
    assert (net.seal.bytes, net.seal.crc32) == (len(whole), zlib.crc32(body))


@pytest.mark.parametrize("save", ["save", "save_hdf5"])
def test_what_caffe_saves_has_one(tmp_path: Path, save: str) -> None:
    import caffe

    (tmp_path / "net").write_text(
        'layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 1 } } }'
        'layer { name: "ip" type: "InnerProduct" bottom: "d" top: "ip"'
        " inner_product_param { num_output: 2 axis: 0 } }"
    )
    path = tmp_path / "weights"
    getattr(caffe.Net(str(tmp_path / "net"), caffe.TEST), save)(str(path))
    assert check(path.read_bytes()) is (PROTO if save == "save" else HDF5)


@pytest.mark.parametrize("form", [PROTO, HDF5])
def test_damage_is_told_from_a_cut(form: Seal) -> None:
    whole = sealed(form, memoryview(BODY)) + BODY
    assert check(whole) is form
    for size in range(len(form.before), len(whole)):
        with pytest.raises(InputError, match="cannot read the weights: cut off"):
            check(whole[:size])
    for place in range(len(form.before), len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(InputError, match=r"cut off|its checksum is another one"):
            check(bytes(changed))
    with pytest.raises(InputError, match="its checksum is another one"):
        check(whole + b"\0")


def test_other_files_have_none() -> None:
    assert check(BODY) is check(b"") is check(PROTO.before[:3]) is None

"""Ways to spoil protobuf messages: prototxt, caffemodels, solver states, means."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message

from fuzz import extremes
from fuzz.damage import Damage
from pydrdl.messages import caffe_pb2, drdl_pb2

INTEGERS = {
    Field.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    Field.CPPTYPE_UINT32: (0, 2**32 - 1),
    Field.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    Field.CPPTYPE_UINT64: (0, 2**64 - 1),
}
# Words of a net that name something; the damage swaps them.
NAMES = re.compile(r'"([^"\n]{1,40})"')
TOKEN = re.compile(r'"[^"]*"|[\w.+-]+|\s+|.', re.DOTALL)


def text_message(kind: str) -> Damage:
    """Changes fields of a prototxt that stays one."""

    def change(path: Path, rng: random.Random) -> None:
        text = path.read_text(encoding="utf-8")
        message = text_format.Parse(text, getattr(caffe_pb2, kind)())
        change_message(message, rng, NAMES.findall(text))
        path.write_text(text_format.MessageToString(message), encoding="utf-8")

    return change


def binary_message(kind: str) -> Damage:
    """Changes fields of a message in its binary form, and takes off its seal."""

    def change(path: Path, rng: random.Random) -> None:
        module = drdl_pb2 if hasattr(drdl_pb2, kind) else caffe_pb2
        message = getattr(module, kind).FromString(path.read_bytes())
        if "seal" in message.DESCRIPTOR.fields_by_name:
            message.ClearField("seal")  # as other Caffes write it
        change_message(message, rng, ("conv", "ip", "data"))
        path.write_bytes(message.SerializePartialToString())

    return change


def tokens_changed(path: Path, rng: random.Random) -> None:
    """Changes words of a prototxt, which then may be none."""
    tokens = TOKEN.findall(path.read_text(encoding="utf-8"))
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(tokens))
        match rng.randrange(5):
            case 0:
                tokens[at] = ""
            case 1:
                tokens[at] *= 2
            case 2:
                tokens[at] = rng.choice(tokens)
            case 3:
                tokens[at] = f"{rng.choice(extremes.WHOLE)}"
            case _:
                tokens[at] = extremes.word(rng)
    path.write_bytes("".join(tokens).encode("utf-8", errors="replace"))


def change_message(message: Message, rng: random.Random, names: Any) -> None:
    """Changes one field of a message or of one inside it, or a few."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        inside = rng.choice(list(_messages(message)))
        fields = [field for field, _ in inside.ListFields()]
        if not fields or rng.random() < 0.15:
            fields = list(inside.DESCRIPTOR.fields)
        _change_field(inside, rng.choice(fields), rng, names)


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.cpp_type == Field.CPPTYPE_MESSAGE:
            for inside in value if field.is_repeated else [value]:
                yield from _messages(inside)


def _change_field(holder: Any, field: Field, rng: random.Random, names: Any) -> None:
    if rng.random() < 0.2:
        holder.ClearField(field.name)
    elif field.is_repeated:
        _change_list(getattr(holder, field.name), field, rng, names)
    elif field.cpp_type == Field.CPPTYPE_MESSAGE:
        getattr(holder, field.name).SetInParent()
    else:
        setattr(holder, field.name, _value(holder, field, rng, names))


def _change_list(values: Any, field: Field, rng: random.Random, names: Any) -> None:
    single = field.cpp_type != Field.CPPTYPE_MESSAGE
    at = rng.randrange(len(values)) if values else 0
    match rng.randrange(5):
        case 0 if values:
            del values[at]
        case 1 if values:
            del values[at:]
        case 2 if values:
            values.append(values[at])
        case 3 if len(values) > 1 and not single:
            first, second = rng.sample(range(len(values)), 2)
            held = type(values[first])()
            held.CopyFrom(values[first])
            values[first].CopyFrom(values[second])
            values[second].CopyFrom(held)
        case _ if single and values:
            values[at] = _value(None, field, rng, names)
        case _ if single:
            values.append(_value(None, field, rng, names))
        case _:
            values.add()


def _value(holder: Any, field: Field, rng: random.Random, names: Any) -> Any:
    kind = field.cpp_type
    if kind in INTEGERS:
        low, high = INTEGERS[kind]
        if holder is not None and rng.random() < 0.4:
            near = extremes.near(getattr(holder, field.name), rng)
            return int(min(max(near, low), high))
        return extremes.whole(rng, low, high)
    if kind in (Field.CPPTYPE_FLOAT, Field.CPPTYPE_DOUBLE):
        return extremes.real(rng)
    if kind == Field.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if kind == Field.CPPTYPE_ENUM:
        return rng.choice([value.number for value in field.enum_type.values])
    if field.type == Field.TYPE_BYTES:
        return rng.randbytes(rng.choice((0, 1, 40)))
    return extremes.word(rng, names)

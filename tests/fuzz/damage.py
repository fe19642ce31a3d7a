"""Ways to spoil a file, from its bytes to what it means.

A Damage changes a file in place. Bytes know nothing of the format; the others
read the file, change one thing or a few, and write it whole again, so that what
refuses nonsense at the door does not hide what stands behind it.
"""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz import extremes

Damage = Callable[[Path, random.Random], None]
MOST = 1 << 16  # bytes that one change may be long


def bytes_changed(path: Path, rng: random.Random) -> None:
    """Flips, cuts, inserts, repeats or zeroes bytes, once or a few times."""
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        _change(data, rng)
    path.write_bytes(data)


def cut_off(path: Path, rng: random.Random) -> None:
    """Cuts the end off, as a full disk or a broken download does."""
    data = path.read_bytes()
    end = rng.choice(
        (0, 1, len(data) - 1, len(data) // 2, rng.randrange(len(data) + 1))
    )
    path.write_bytes(data[:end])


def _change(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    length = min(int(2 ** rng.uniform(0, 12)), MOST, len(data) - at)
    match rng.randrange(7):
        case 0 | 1 if at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = rng.randbytes(min(length, 64))
        case 4:
            data[at:at] = data[at : at + length]
        case 5:
            data[at : at + length] = bytes((rng.choice((0, 255)),)) * length
        case _:
            data[at : at + length] = rng.randbytes(length)


def lines_changed(path: Path, rng: random.Random) -> None:
    """Changes words and lines of a text: their values, order, number, ends."""
    lines = path.read_bytes().decode(errors="surrogateescape").split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        _change_line(lines, rng)
    text = rng.choice(("\n", "\n", "\n", "\r\n", "\r")).join(lines)
    encoding = rng.choice(("utf-8",) * 12 + ("utf-8-sig", "utf-16", "gb18030"))
    path.write_bytes(_encoded(text, encoding))


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding, errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="surrogateescape")


def _change_line(lines: list[str], rng: random.Random) -> None:
    at = rng.randrange(len(lines))
    words = re.split(r"([\s=,:;/\"]+)", lines[at])
    place = rng.randrange(len(words))
    match rng.randrange(8):
        case 0:
            del lines[at]
            lines.extend([""] * (not lines))
        case 1:
            lines.insert(at, rng.choice(lines))
        case 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] += rng.choice((" ", "\t", "")) + extremes.word(rng)
        case 4:
            del words[place:]
            lines[at] = "".join(words)
        case _:
            known = re.split(r"[\s=,:;]+", rng.choice(lines))
            if re.fullmatch(r"-?\d+", words[place]) and rng.random() < 0.6:
                number = extremes.near(int(words[place]), rng)
                words[place] = f"{number:.15g}"
            else:
                words[place] = extremes.word(rng, known)
            lines[at] = "".join(words)


def json_changed(path: Path, rng: random.Random) -> None:
    """Changes JSON that stays JSON, or nearly: fields, types, numbers."""
    content = [json.loads(path.read_text(encoding="utf-8"))]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _change_json(content, rng)
    text = json.dumps(content[0], indent=rng.choice((None, 1)))
    # json.dumps cannot write these: what a double does not hold, a name twice.
    if rng.random() < 0.1:
        text = re.sub(r"\b\d+\.\d+", "1e400", text, count=1)
    if rng.random() < 0.03:
        text = "[" * 100_000 + text
    path.write_text(text, encoding="utf-8")


def _change_json(content: list[Any], rng: random.Random) -> None:
    holder, key = rng.choice(_places(content))
    value = holder[key]
    match rng.randrange(8):
        case 0 if holder is not content:
            del holder[key]
        case 1 if isinstance(value, list) and value:
            value.insert(rng.randrange(len(value)), rng.choice(value))
        case 2 if isinstance(value, list) and value:
            del value[rng.randrange(len(value)) :]
        case 3:
            other, there = rng.choice(_places(content))
            # What holds itself cannot be written.
            if not any(isinstance(v, dict | list) for v in (value, other[there])):
                holder[key], other[there] = other[there], value
        case 4 if isinstance(value, int | float):
            holder[key] = extremes.near(value, rng)
        case 5 if isinstance(value, dict):
            value[extremes.word(rng, sorted(value))] = extremes.word(rng)
        case _:
            holder[key] = rng.choice(
                (
                    None, True, [], {}, [value], {"a": value}, str(value),
                    rng.choice(extremes.WHOLE), extremes.real(rng), extremes.word(rng),
                )
            )  # fmt: skip


def _places(content: list[Any]) -> list[tuple[Any, Any]]:
    """Every holder and key, at most a thousand: long lists would be all there is."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [content]
    while waiting and len(found) < 1000:
        holder = waiting.pop(0)
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in list(keys)[:50]:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found

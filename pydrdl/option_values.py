"""Numbers that no option of any tool can take, refused in one place.

An option's own limits let NaN pass, which is below nothing and above nothing, and
most have no upper one.
"""

import math
from collections.abc import Iterable, Mapping

from typer import BadParameter

MAX_INT = 2**31 - 1  # what the fields of Caffe's messages hold


def refuse_odd_numbers(options: Mapping[str, object]) -> None:
    """Refuses NaN, infinity and whole numbers beyond 2^31.

    Args:
        options: what a command was given, by the names of its parameters.

    Raises:
        BadParameter: one of them is, or holds, such a number.
    """
    for name, value in options.items():
        for number in _numbers(value):
            if not math.isfinite(number):
                why = f"{number} is no finite number."
            elif abs(number) > MAX_INT and isinstance(number, int):
                why = f"{number} is not in the range -{MAX_INT}<=x<={MAX_INT}."
            else:
                continue
            hint = f"'--{name.replace('_', '-')}'"
            raise BadParameter(why, param_hint=hint)


def _numbers(value: object) -> Iterable[int | float]:
    if isinstance(value, list | tuple):
        return [number for part in value for number in _numbers(part)]
    return [value] if isinstance(value, int | float) else []

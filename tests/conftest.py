"""What all tests share; what they need decides where they stand and their marks.

unit: functions of the package. commands: tools as processes. caffe: pycaffe or the
caffe command. render: drawing, which takes long. Modules that tests import from one
another lie in support.
"""

import importlib.util
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from forked_tools import Run, forked_tools
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
# A shell lets what it starts in the background ignore Ctrl-C, which all that tests
# start would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
# No test depends on how busy the machine is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@cache
def why_no_caffe() -> str | None:
    """Why pycaffe cannot be imported; None where it can."""
    if importlib.util.find_spec("caffe"):
        return None
    return "pycaffe is not installed; run tools/setup.sh"


@cache
def why_no_gpu() -> str | None:
    """Why Caffe takes no GPU; None where it takes one."""
    from pydrdl import pycaffe

    return why_no_caffe() or pycaffe.why_no_gpu()


# A marker's tests are skipped where its function tells a reason.
NEEDS: dict[str, Callable[[], str | None]] = {
    "caffe": why_no_caffe,
    "gpu": why_no_gpu,
}


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs tools in forks that can be killed at a step, or under limits."""
    with forked_tools() as run:
        yield run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by their folder, so that -m "not caffe" leaves out those."""
    for item in items:
        folder = item.path.relative_to(HERE).parts[0]
        if folder in ("caffe", "render"):
            item.add_marker(folder)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose machine lacks what it needs."""
    for marker, why_not in NEEDS.items():
        if item.get_closest_marker(marker) and (reason := why_not()):
            pytest.skip(f"needs {marker}: {reason}")

"""What all tests share: where they stand decides what they need.

unit: functions of the package. commands: tools as processes. caffe: pycaffe or the
caffe command. render: drawing, which takes long. Modules that tests import from one
another lie in support.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by their folder, so that -m "not caffe" leaves out those."""
    for item in items:
        folder = item.path.relative_to(HERE).parts[0]
        if folder in ("caffe", "render"):
            item.add_marker(folder)

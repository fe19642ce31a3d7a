"""Which data sets our renderers drew, so that no one takes them for photographs."""

from pydrdl.datasets.types import Dataset
from pydrdl.errors import InputError
from pydrdl.files import read_text


def is_drawn(dataset: Dataset) -> bool:
    """Whether tools/render_*.py drew it, by the README that they write."""
    try:
        text = read_text(dataset.root / "README.md", "", "")
    except InputError:
        return False
    return text.startswith("# A rendered ")


def full_name(dataset: Dataset) -> str:
    """Its name, "drawn VehicleID" where it only has VehicleID's layout."""
    return f"drawn {dataset.name}" if is_drawn(dataset) else dataset.name

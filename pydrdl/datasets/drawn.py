"""Which data sets our renderers drew, so that no one takes them for photographs."""

from pydrdl.datasets.types import Dataset


def is_drawn(dataset: Dataset) -> bool:
    """Whether tools/render_*.py drew it, by the README that they write."""
    try:
        with (dataset.root / "README.md").open(encoding="utf-8") as file:
            return file.readline().startswith("# A rendered ")
    except (OSError, UnicodeDecodeError):
        return False


def full_name(dataset: Dataset) -> str:
    """Its name, "drawn VehicleID" where it only has VehicleID's layout."""
    return f"drawn {dataset.name}" if is_drawn(dataset) else dataset.name

"""Features: the file between the stages, and how images become them."""

from pydrdl.features.file import (
    FeatureSet,
    Source,
    check_features,
    read_features,
    write_features,
)

__all__ = ["FeatureSet", "Source", "check_features", "read_features", "write_features"]

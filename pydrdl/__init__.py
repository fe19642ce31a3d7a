"""Deep Relative Distance Learning (CVPR 2016) on BVLC Caffe."""

__version__ = "0.1.0"

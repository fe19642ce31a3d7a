"""Deep Relative Distance Learning (CVPR 2016) on BVLC Caffe.

Data:
    datasets: data sets as they lie on disk; render: one that is drawn;
    doctor: what is wrong with a copy; records: image LMDBs for training.
Training:
    nets: the prototxt files; weights: what they start from; logs: what
    `caffe train` printed; gradcheck, reference: proof of the gradients.
Evaluation:
    features: images through a net; metrics, ranking, protocols: pure functions
    of features and ids; baselines: what the paper compares with; evaluation:
    files meet protocols; results: tables beside the paper's, and JSON.
All of it:
    reproduce: the chain from data to the paper's tables; page: the report.

A package imports only those whose work it needs, never in a circle;
tests/test_imports.py holds the rules.
"""

__version__ = "0.1.0"

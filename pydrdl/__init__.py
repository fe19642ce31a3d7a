"""Deep Relative Distance Learning (CVPR 2016) on BVLC Caffe.

Data:
    datasets: data sets as they lie on disk; render: those that are drawn;
    check: what is wrong with a copy; lmdb: image LMDBs for training.
Training:
    nets: the prototxt files, caffemodels, and what a training starts from;
    logs: what `caffe train` printed; gradcheck, reference: proof of the gradients.
Evaluation:
    features: images through a net; metrics, ranking, protocols: pure functions of
    features and ids; verifiers: what the paper compares with; results: from feature
    files to tables beside the paper's, and JSON.
Search:
    gallery: features that can be asked, by a command, a page or an API.
    explain: heat maps of two photographs; export: nets for other programs.
All of it:
    commands: one function a command; reproduce: the chain from data to the paper's
    tables; report: the page.
Below all of these:
    errors, files, folders, strict_json: what comes from outside, and what is
    written whole; parallel, signals, start, cli: how a command runs; table, arrays,
    pycaffe, messages: what is handed on; pictures: photographs as they are shown;
    paper: the paper's numbers.

A package imports only those whose work it needs, never in a circle;
tests/unit/test_imports.py holds the rules.
"""

__version__ = "0.2.0"

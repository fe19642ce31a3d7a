"""Evaluation protocols: they know ids, labels and features, nothing else."""

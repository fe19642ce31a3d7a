"""Training logs: read, followed, as tables, curves and event files."""

"""Results as a table beside the paper's, as notes and as JSON."""

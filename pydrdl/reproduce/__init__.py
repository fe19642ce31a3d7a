"""The chain of commands from data to the paper's tables."""

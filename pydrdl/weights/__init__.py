"""Caffemodels: read, written, and fitted to a net's layers."""

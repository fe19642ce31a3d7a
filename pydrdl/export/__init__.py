"""Nets for programs other than Caffe."""

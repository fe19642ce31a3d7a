"""Backward passes of Caffe nets against derivatives found without them.

- case: one net, its inputs and what is to be checked of it;
- cases: the custom layers, and the demo's whole net;
- check: derivatives by differences, and how a case becomes rows with verdicts;
- suite: which cases to run where; the rows as a table and as JSON.
"""

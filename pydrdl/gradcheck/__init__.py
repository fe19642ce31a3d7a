"""Backward passes of Caffe nets against derivatives found without them.

- differences: central differences that notice kinks;
- verdict: what makes a row ok, FAIL or VACUOUS;
- case, check: one net, its parts, and how they become rows;
- layer_cases, net_case: the custom layers, and the demo's whole net;
- suite: which of them to run where;
- table: the rows as a table and as JSON.
"""

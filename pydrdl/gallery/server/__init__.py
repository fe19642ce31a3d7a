"""The page and the API of vehicle search (`drdl serve`).

service: what they do, without HTTP; uploads: bytes from outside, looked at before they
are decoded; kept: queries with an address of their own, and feedback; health: whether
what is on disk can still answer; line: one net for all; guard: who may ask, and how
much they may send; web: what both faces share; api, pages: the two faces; run: a
socket and a server on it.
"""

"""The page and the API of vehicle search (`drdl serve`).

service: what they do, without HTTP; photographs: bytes from outside, looked at before
they are decoded; kept: queries with an address of their own, and feedback; line: one
net for all; guard: who may ask, and how much they may send; api, pages: the two faces;
run: a socket and a server on it.
"""

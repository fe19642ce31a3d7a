"""Draws vehicles, so that the whole path from images to tables needs no download.

A model is a geometry, a vehicle is a paint and special marks, an image is a
camera, a light and noise. What is drawn is a pure function of
(seed, vehicle, image).
"""

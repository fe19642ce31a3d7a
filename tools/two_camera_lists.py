"""`drdl two-camera-lists` as a script."""

from pydrdl.commands import tool

tool(__name__, "two_camera_lists")

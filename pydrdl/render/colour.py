"""Colours as OpenCV takes them."""

Colour = tuple[float, float, float]  # BGR, 0 to 255

# Of stickers, ornaments, loads and stripes.
VIVID: tuple[Colour, ...] = (
    (48, 44, 215), (50, 195, 240), (80, 170, 60), (205, 120, 40), (240, 240, 240),
    (180, 70, 170), (40, 125, 245), (200, 200, 50),
)  # fmt: skip


def shaded(colour: Colour, factor: float) -> Colour:
    """Returns a colour made darker (factor < 1) or lighter."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red

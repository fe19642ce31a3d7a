"""Colours as OpenCV takes them."""

Colour = tuple[float, float, float]  # BGR, 0 to 255

DARK: Colour = (24, 22, 22)
CHROME: Colour = (205, 202, 198)
VIVID: tuple[Colour, ...] = (
    (60, 60, 225), (60, 200, 245), (90, 190, 70), (225, 140, 50), (245, 245, 245),
    (200, 80, 190), (40, 130, 250), (215, 215, 60),
)  # fmt: skip


def shaded(colour: Colour, factor: float) -> Colour:
    """Returns a colour made darker (factor < 1) or lighter."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Returns the first colour with a share (0 to 1) of the second."""
    blue, green, red = (
        (1 - share) * a + share * b for a, b in zip(first, second, strict=True)
    )
    return blue, green, red

"""The families of bodies, and between which measures their models lie."""

Range = tuple[float, float]

# Metres, except waist and roof: shares of the width. See model.Body.
FAMILIES: dict[str, dict[str, Range]] = {
    "saloon": {
        "length": (4.4, 4.95), "width": (1.74, 1.88), "height": (1.42, 1.5),
        "sill": (0.19, 0.24), "nose": (0.7, 0.79), "cowl": (0.94, 1.0),
        "belt": (1.0, 1.06), "tail": (0.98, 1.08), "bonnet": (1.05, 1.35),
        "screen": (0.8, 1.05), "boot": (0.5, 0.8), "window": (0.65, 0.95),
        "waist": (0.9, 0.94), "roof": (0.66, 0.74), "bow": (0.28, 0.5),
        "crown": (0.03, 0.07), "wheel": (0.31, 0.35),
    },
    "hatchback": {
        "length": (3.65, 4.3), "width": (1.64, 1.8), "height": (1.45, 1.57),
        "sill": (0.19, 0.25), "nose": (0.7, 0.83), "cowl": (0.95, 1.04),
        "belt": (1.02, 1.1), "tail": (0.96, 1.04), "bonnet": (0.82, 1.1),
        "screen": (0.7, 0.95), "boot": (0.06, 0.14), "window": (0.28, 0.6),
        "waist": (0.9, 0.94), "roof": (0.68, 0.76), "bow": (0.3, 0.5),
        "crown": (0.03, 0.08), "wheel": (0.28, 0.33),
    },
    "suv": {
        "length": (4.3, 4.85), "width": (1.8, 1.95), "height": (1.64, 1.85),
        "sill": (0.26, 0.34), "nose": (0.9, 1.04), "cowl": (1.1, 1.2),
        "belt": (1.16, 1.26), "tail": (1.08, 1.2), "bonnet": (0.95, 1.2),
        "screen": (0.6, 0.88), "boot": (0.04, 0.1), "window": (0.22, 0.5),
        "waist": (0.9, 0.95), "roof": (0.72, 0.8), "bow": (0.2, 0.4),
        "crown": (0.03, 0.06), "wheel": (0.35, 0.39),
    },
    "van": {
        "length": (3.8, 4.6), "width": (1.58, 1.74), "height": (1.82, 2.02),
        "sill": (0.22, 0.3), "nose": (0.88, 1.0), "cowl": (1.08, 1.2),
        "belt": (1.08, 1.2), "tail": (1.0, 1.1), "bonnet": (0.35, 0.65),
        "screen": (0.45, 0.7), "boot": (0.03, 0.06), "window": (0.1, 0.24),
        "waist": (0.94, 0.97), "roof": (0.82, 0.88), "bow": (0.16, 0.32),
        "crown": (0.02, 0.05), "wheel": (0.27, 0.31),
    },
    "pick-up": {
        "length": (4.9, 5.3), "width": (1.78, 1.9), "height": (1.7, 1.82),
        "sill": (0.32, 0.4), "nose": (0.95, 1.05), "cowl": (1.12, 1.2),
        "belt": (1.16, 1.22), "tail": (1.08, 1.14), "bonnet": (1.0, 1.2),
        "screen": (0.62, 0.8), "boot": (1.45, 1.65), "window": (0.1, 0.22),
        "waist": (0.9, 0.94), "roof": (0.72, 0.8), "bow": (0.18, 0.34),
        "crown": (0.03, 0.06), "wheel": (0.35, 0.39),
    },
    "truck": {
        "length": (5.2, 6.2), "width": (1.9, 2.15), "height": (2.15, 2.5),
        "sill": (0.36, 0.44), "nose": (1.12, 1.3), "cowl": (1.22, 1.4),
        "belt": (1.22, 1.4), "tail": (1.2, 1.3), "bonnet": (0.08, 0.14),
        "screen": (0.2, 0.38), "boot": (0.02, 0.04), "window": (0.03, 0.06),
        "waist": (0.95, 0.98), "roof": (0.84, 0.9), "bow": (0.1, 0.2),
        "crown": (0.02, 0.04), "wheel": (0.36, 0.42),
    },
    "bus": {
        "length": (7.5, 10.5), "width": (2.25, 2.5), "height": (2.8, 3.15),
        "sill": (0.3, 0.38), "nose": (1.1, 1.3), "cowl": (1.14, 1.36),
        "belt": (1.5, 1.75), "tail": (1.45, 1.7), "bonnet": (0.05, 0.1),
        "screen": (0.16, 0.4), "boot": (0.02, 0.04), "window": (0.05, 0.12),
        "waist": (0.97, 0.99), "roof": (0.9, 0.95), "bow": (0.12, 0.26),
        "crown": (0.03, 0.06), "wheel": (0.44, 0.5),
    },
}  # fmt: skip
# How often a model is of each.
WEIGHTS = (0.36, 0.2, 0.2, 0.1, 0.05, 0.05, 0.04)

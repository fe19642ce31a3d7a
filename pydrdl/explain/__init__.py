"""Why two photographs are near or far."""

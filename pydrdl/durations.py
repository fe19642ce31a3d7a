"""Spans of time as people say them."""


def exactly(seconds: float) -> str:
    """To the second, from an hour on to the minute."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60} min"


def about(seconds: float) -> str:
    """As an estimate is worth saying: to ten seconds, minutes, or tens of them."""
    if seconds < 55:
        return f"{max(1, round(seconds / 10)) * 10} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    tens = round(seconds / 600)
    return f"{tens // 6:,} h {tens % 6 * 10} min" if tens % 6 else f"{tens // 6:,} h"

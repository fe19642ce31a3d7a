"""Writes a .cu file as C++: kernel<<<grid, block>>>(...) becomes a call.

python rewrite.py SOURCE TARGET: every line stays where it was.
"""

import re
import sys
from pathlib import Path

NAME = r"((?:[A-Za-z_]\w*::)*[A-Za-z_](?:\w|##)*(?:\s*<[^<>;(){}]*>)?)"
SPACE = r"((?:\s|//[^\n]*\n|\\\n)*)"
LAUNCH = re.compile(NAME + SPACE + r"<<<(.*?)>>>\s*\(", re.DOTALL)


def rewrite(match: re.Match[str]) -> str:
    """A launch as a call of cuda_on_cpu::Launch (include/cuda_on_cpu/launch.hpp)."""
    kernel, space, config = match.groups()
    name = " ".join(kernel.split())
    end = " \\\n" if "\\\n" in space else "\n"  # in a macro
    lines = end * space.count("\n")
    launch = f'::cuda_on_cpu::Launch("{name}", {config})'
    if "<" in kernel:
        return f"{launch}({kernel}){lines}("
    return f"{launch}.Deduced([=](auto... a) {{ {kernel}(a...); }}){lines}("


def main() -> None:
    """Rewrites the file; ends with 1 where a launch is not understood."""
    source, target = map(Path, sys.argv[1:])
    text, launches = LAUNCH.subn(rewrite, source.read_text())
    if launches != text.count("cuda_on_cpu::Launch") or "<<<" in text:
        sys.exit(
            f"error: a launch was not understood\n  where: {source}\n"
            "  next: write it as kernel<<<grid, block>>>(...), or teach rewrite.py"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f'#line 1 "{source}"\n{text}')


main()

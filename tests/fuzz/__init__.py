"""Damaged files given to the real commands, and what becomes of them.

    python tests/fuzz                      # a minute; --help says how to go on longer
    python tests/fuzz --replay "KIND/COMMAND/SEED/NUMBER"

corpus makes whole files, damage spoils one of them, targets says which command
reads it, server runs the command, verdict says how it ended, campaign counts. A
case is a pure function of its target, seed and number.
"""

"""The one way in which this package refuses bad input."""


class InputError(Exception):
    """Something the user gave is wrong: a path, a list, an image.

    Args:
        what: one line that says what is wrong, with numbers.
        where: the file, line, record or option.
        next_step: what to do about it.
    """

    def __init__(self, what: str, where: object, next_step: str) -> None:
        self.what, self.where, self.next_step = what, str(where), next_step
        super().__init__(f"{what}\n  where: {where}\n  next: {next_step}")

"""A folder is as it was or whole, whatever ends its making."""

from pathlib import Path

import pytest

from pydrdl.errors import InputError
from pydrdl.folders import WholeFolder

PLAN = "plan.json"


def folder_at(output: Path, overwrite: bool | None = False) -> WholeFolder:
    return WholeFolder(
        output, "the set", "a set", {PLAN, "a", "b"}.__contains__, overwrite=overwrite
    )


def fill(folder: WholeFolder, content: str, plan: str = PLAN) -> None:
    folder.refuse_existing()
    folder.begin(plan, content.encode())
    (folder.partial / "a").write_text(content)
    folder.finish()


def test_it_appears_and_is_replaced_only_when_told(tmp_path: Path) -> None:
    output = tmp_path / "out"
    fill(folder_at(output), "one")
    with pytest.raises(InputError, match="the output exists") as caught:
        fill(folder_at(output), "two")
    assert caught.value.next_step == "delete it, or pass --overwrite"
    with pytest.raises(InputError) as caught:
        folder_at(output, overwrite=None).refuse_existing()
    assert caught.value.next_step == "delete it"
    fill(folder_at(output, overwrite=True), "two")
    assert (output / "a").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_was_begun_goes_on_from_the_same_plan_only(tmp_path: Path) -> None:
    first = folder_at(tmp_path / "out")
    first.begin(PLAN, b"one")
    (first.partial / "b").write_text("made")
    first.begin(PLAN, b"one")
    assert (first.partial / "b").read_text() == "made"
    with pytest.raises(InputError, match="other images or options is here"):
        first.begin(PLAN, b"two")
    other = folder_at(tmp_path / "out", overwrite=True)
    other.begin(PLAN, b"two")
    assert not (other.partial / "b").exists()
    other.begin()  # without a plan: anew
    assert not any(other.partial.iterdir())
    other.discard()
    assert not any(tmp_path.iterdir())


def test_what_was_begun_and_holds_nothing_is_begun_anew(tmp_path: Path) -> None:
    def of(plan: bytes) -> WholeFolder:
        folder = WholeFolder(
            tmp_path / "out", "the set", "a set", {PLAN, "a", "b"}.__contains__,
            is_worth=lambda folder: (folder / "b").exists(),
        )  # fmt: skip
        folder.begin(PLAN, plan)
        return folder

    (of(b"one").partial / "a").write_text("a log")
    second = of(b"two")
    assert [path.name for path in second.partial.iterdir()] == [PLAN]
    (second.partial / "b").write_text("made")
    with pytest.raises(InputError, match="other images or options is here"):
        of(b"three")


def test_an_output_that_is_no_place_for_a_folder(tmp_path: Path) -> None:
    for name in ("/", "/..", tmp_path / ".."):
        with pytest.raises(InputError, match="the output exists"):
            folder_at(Path(name)).refuse_existing()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="a link to what is not there"):
        folder_at(link, overwrite=True).refuse_existing()
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["out", "out.partial", ".out.replaced"])
def test_what_is_not_ours_is_never_deleted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.tex").write_text("years of work")
    if name == ".out.replaced":
        (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match=r"not a set: it holds thesis\.tex"):
        fill(folder_at(tmp_path / "out", overwrite=True), "one")
    assert (tmp_path / name / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("moment", ["error", "kill"])
def test_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    output = tmp_path / "out"
    fill(folder_at(output), "one")
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith(".partial"):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    if moment == "error":
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", fail)
            with pytest.raises(InputError, match="cannot write the set: Input/output"):
                fill(folder_at(output, overwrite=True), "two")
    else:  # between the two renamings
        output.rename(tmp_path / ".out.replaced")
        with pytest.raises(InputError, match="the output exists"):
            fill(folder_at(output), "two")
    assert (output / "a").read_text() == "one"
    fill(folder_at(output, overwrite=True), "two")
    assert (output / "a").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]

"""The documentation's site: built strictly, whole without a network."""

import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, Done, run

from pydrdl.commands import drdl

# mkdocs and its parts use what newer Pythons will not have.
OF_OTHERS = {"PYTHONWARNINGS": "default", "NO_MKDOCS_2_WARNING": "1"}
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src",
          "source": "src"}  # fmt: skip


def build(project: Path, site: Path) -> Done:
    return run(sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site,
               cwd=project, **OF_OTHERS)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    done = build(ROOT, site)
    assert done.returncode == 0, done.stdout + done.stderr
    return site


class Page(HTMLParser):
    """What a page loads, where it leads, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.led: list[str] = []
        self.anchors: set[str] = set()
        self.formulas = 0
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        values = dict(attrs)
        self.formulas += tag == "math"
        if (
            tag in LOADED
            and values.get(LOADED[tag])
            and values.get("rel") != "canonical"
        ):
            self.loaded.append(values[LOADED[tag]])
        if tag == "a" and values.get("href"):
            self.led.append(values["href"])
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    found = {
        path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"
    }
    assert len(found) > 30
    return found


@pytest.mark.slow
def test_nothing_comes_from_a_network(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for address in page.loaded:
            assert not re.match(r"(\w+:)?//", address), f"{path}: {address}"
            assert (path.parent / address.split("?")[0]).exists(), f"{path}: {address}"
    for path in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()[\s'\"]*(https?:)?//", path.read_text())


@pytest.mark.slow
def test_links_lead_to_what_is_there(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for link in page.led:
            file, _, anchor = link.partition("#")
            if re.match(r"\w+:", link):
                continue
            target = (path.parent / file).resolve() if file else path
            assert target.exists(), f"{path}: {link}"
            if anchor and target in pages:
                assert anchor in pages[target].anchors, f"{path}: {link}"


@pytest.mark.slow
def test_formulas_are_those_of_the_headers(site: Path, pages: dict[Path, Page]) -> None:
    text = (site / "layers.html").read_text()
    headers = ROOT / "caffe_layers/include/caffe/layers"
    comments = "".join(path.read_text() for path in headers.glob("*_layer.hpp"))
    assert pages[site / "layers.html"].formulas == comments.count("@f$") / 2 > 20
    assert not re.search(r"@f\$|FORMULA\d|<!-- (layer|message)|@(brief|param)", text)
    proto = (ROOT / "caffe_layers/proto/caffe/proto/drdl.proto").read_text()
    for name in re.findall(r"^  optional \w+ (\w+) = .*default", proto, re.MULTILINE):
        assert f"<code>{name}</code>" in text


@pytest.mark.slow
def test_commands_and_functions_are_there(site: Path) -> None:
    text = (site / "commands.html").read_text()
    for command in drdl.COMMANDS:
        assert f'id="{command.__name__.replace("_", "-")}"' in text
    assert "--hard-negatives" in text
    assert 'id="pydrdl.gallery.query.ask"' in (site / "api/gallery.html").read_text()
    assert "pydrdl.gallery.query" in (site / "search/search_index.js").read_text()


def small_project(folder: Path) -> Path:
    """The documentation without what takes long, the API's docstrings."""
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff",
                 "mkdocs.yml"):  # fmt: skip
        shutil.copy(ROOT / name, folder / name)
    for name in ("docs", "tools/site_pages"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("caffe_layers", "examples", "models"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    (folder / "pydrdl").mkdir()
    (folder / "pydrdl/reference.py").write_text('"""A module."""\n')
    return folder


def test_the_small_project_is_right(tmp_path: Path) -> None:
    done = build(small_project(tmp_path), tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[a](nothing.md)", "links to nothing.md, which is no file"),
        ("[a](../tools/nothing.sh)", "links to ../tools/nothing.sh"),
        ("[a](training.md#nothing)", "does not contain an anchor '#nothing'"),
        ("<!-- message: Nothing -->", "has no message Nothing"),
    ],
)
def test_a_page_that_is_wrong_is_refused(tmp_path: Path, wrong: str, said: str) -> None:
    project = small_project(tmp_path)
    with (project / "docs/start.md").open("a") as page:
        page.write(f"\n{wrong}\n")
    done = build(project, tmp_path / "site")
    assert done.returncode == 1
    assert said in done.stdout + done.stderr


def test_a_page_that_is_in_no_menu_is_refused(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    (project / "docs/lost.md").write_text("# Lost\n")
    done = build(project, tmp_path / "site")
    assert done.returncode == 1 and "lost.md" in done.stdout + done.stderr

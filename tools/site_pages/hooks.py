"""Hooks of mkdocs: pages from outside docs/, links between them, formulas.

The pages of docs/ are read on the repository's page too. So they link to files as those
lie in the repository, and here those links are led to where the site has the same.
"""

import os
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.append(str(Path(__file__).parents[1]))
from site_pages import api, commands, layers

ROOT = Path(__file__).parents[2]
# Pages that lie elsewhere in the repository. docs/README.md lists docs/ for the
# repository's readers; here the navigation does.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "docs/README.md": "index.md",
}
IMAGE_OR_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(?=(?:#[^)\s]*)?\))")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
# Each page's formulas, in the order of their marks.
FORMULAS: dict[str, list[str]] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the API's pages into the navigation, in the place of "api/"."""
    for entry in config.nav or []:
        for title, below in entry.items():
            if below == "api/":
                entry[title] = sorted(
                    api.pages(ROOT), key=lambda uri: "index" not in uri
                )
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages from elsewhere, those that are made, and files that are linked."""
    for file in list(files):
        if file.src_uri == "README.md":
            files.remove(file)
    for source, uri in ELSEWHERE.items():
        if not source.startswith("docs/"):
            text = (ROOT / source).read_text(encoding="utf-8")
            files.append(File.generated(config, uri, content=text))
    for uri, text in {**api.pages(ROOT), "commands.md": commands.page()}.items():
        files.append(File.generated(config, uri, content=text))
    for page in files.documentation_pages():
        if _is_made(page.src_uri):
            continue
        for link in IMAGE_OR_LINK.findall(CODE.sub("", page.content_string)):
            path = _target(link, page.src_uri)
            uri = _uri(path)
            if path.is_file() and files.get_file_from_path(uri) is None:
                files.append(
                    File.generated(config, uri, abs_src_path=str(path))
                    if path.suffix in (".jpg", ".png", ".svg", ".ipynb")
                    else File.generated(config, uri, content=path.read_text("utf-8"))
                )
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Leads links to where the site has what they mean, and fills in the layers."""
    uri = page.file.src_uri
    if _is_made(uri):
        return markdown

    def led(match: re.Match[str]) -> str:
        path = _target(match[1], uri)
        if not path.is_file():
            raise PluginError(f"{uri} links to {match[1]}, which is no file")
        return _uri(path)

    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"

    text = IMAGE_OR_LINK.sub(led, CODE.sub(keep, markdown))
    text = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], text)
    text, FORMULAS[uri] = layers.filled_in(text, ROOT)
    return text


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts formulas, as MathML, in the place of their marks."""
    return layers.with_formulas(html, FORMULAS.pop(page.file.src_uri, []))


def _is_made(uri: str) -> bool:
    """Whether a page is made for the site alone."""
    return uri.startswith("api/") or uri == "commands.md"


def _target(link: str, uri: str) -> Path:
    """The file of the repository that a link on a page means."""
    sources = {to: source for source, to in reversed(ELSEWHERE.items())}
    page = ROOT / sources.get(uri, f"docs/{uri}")
    return Path(os.path.normpath(page.parent / link))


def _uri(path: Path) -> str:
    """Where the site has a file of the repository."""
    name = path.relative_to(ROOT).as_posix()
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    if name.startswith("docs/"):
        return name.removeprefix("docs/")
    return f"files/{name}" + ("" if path.suffix in (".jpg", ".png", ".svg") else ".txt")

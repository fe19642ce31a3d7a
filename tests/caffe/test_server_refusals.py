"""What `drdl serve` refuses, and in which words: an error, and what to do next."""

import io
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from search_folder import make_search_folder, make_seen_gallery

pytest.importorskip("lancedb", reason="the extra search is not installed")
pytest.importorskip("urllib3")
pytest.importorskip("fastapi", reason="the extra search is not installed")

from search_server import BEARER, COOKIE, TOKEN, Server, serving

from pydrdl.gallery.folder import open_gallery
from pydrdl.gallery.server.guard import MOST_BYTES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = make_search_folder(tmp_path_factory.mktemp("refusals"))
    make_seen_gallery(folder)
    with serving(folder) as server:
        yield server


@pytest.fixture(scope="module")
def ids(server: Server) -> list[str]:
    return [m["id"] for m in server.found("photos/3_2.png", count=3)["matches"]]


def told(answer: Any, status: int, error: str) -> None:
    """A refusal in two parts, which names no path of the server's."""
    assert answer.status == status, answer.data
    said = answer.json()
    assert set(said) == {"error", "next"} and said["next"], said
    assert error in said["error"], said


def test_a_photograph_and_a_row_are_not_taken_together(server: Server, ids) -> None:
    photo = server.photo("photos/3_2.png")
    for fields, error in (
        ({"image": ids[0], "photo": photo}, "a photograph and an image are given"),
        ({"image": ids[0], "box": "0,0,9,9"}, "a box, which is of a photograph, and"),
        ([("photo", photo), ("photo", photo)], "photo is given 2 times"),
        ([("image", ids[0]), ("image", ids[1])], "image is given 2 times"),
        ([("photo", photo), ("box", "0,0,9,9"), ("box", "0,0,8,8")], "box is given 2"),
        ({"photo": photo, "image": ("a.txt", b"x")}, "image"),
    ):
        told(server.ask("POST", "/search", fields=fields), 422, error)
    told(
        server.ask("POST", "/images", fields=[("photo", photo), ("photo", photo)]),
        422, "photo is given 2 times",
    )  # fmt: skip
    page = server.ask("POST", "/", fields=[("photo", photo)] * 2, headers=COOKIE)
    assert page.status == 422 and "photo is given 2 times" in page.data.decode()


def test_a_body_that_is_no_form_is_refused(server: Server, ids) -> None:
    data = json.dumps({"image": ids[0], "query": ids[0], "row": ids[1], "same": True})
    jpeg = cv2.imencode(".jpg", np.zeros((9, 9, 3), np.uint8))[1].tobytes()
    for path in ("/search", "/images", "/feedback", "/", "/verdict"):
        for kind, body in (
            ("application/json", data), ("image/jpeg", jpeg), ("text/plain", "image=x"),
        ):  # fmt: skip
            headers = {**BEARER, "content-type": kind}
            answer = server.ask("POST", path, headers=headers, body=body)
            told(answer, 415, f"the body is {kind}; expected a form")
        headers = {**BEARER, "content-type": ""}
        answer = server.ask("POST", path, headers=headers, body=jpeg)
        told(answer, 415, "the body is of no kind; expected a form")


def test_fields_that_no_route_knows_are_refused(server: Server, ids) -> None:
    said = {"query": ids[0], "row": ids[1], "same": "true"}
    photo = {"photo": server.photo("photos/3_2.png")}
    for method, path, fields in (
        ("POST", "/search?camera=2", photo), ("POST", "/images?camera_id=2", photo),
        ("POST", "/feedback?same=false", said), ("GET", "/stats?camera=2", None),
        ("GET", f"/images/{ids[0]}?size=3", None),
        ("DELETE", f"/images/{ids[0]}?dry=1", None),
    ):  # fmt: skip
        told(server.ask(method, path, fields=fields), 422, "unknown field")
    for more, error in (
        ({"sane": "1"}, "unknown field 'sane'"), ({"id": ids[0]}, "unknown field 'id'"),
    ):  # fmt: skip
        answer = server.ask("POST", "/feedback", fields={**said, **more})
        told(answer, 422, error)
    twice = [*said.items(), ("same", "false")]
    told(server.ask("POST", "/feedback", fields=twice), 422, "same is given 2 times")
    assert server.ask("GET", "/feedback.csv").data == b"first,second,same\n"
    assert server.ask("GET", "/stats").json()["rows"] == 32


def test_an_image_is_not_compared_with_itself(server: Server, ids) -> None:
    said = {"query": ids[0], "row": ids[0], "same": "true"}
    for path, headers in (("/feedback", BEARER), ("/verdict", COOKIE)):
        answer = server.ask("POST", path, fields=said, headers=headers)
        told(answer, 422, "not compared with itself")
    assert server.ask("GET", "/feedback.csv").data == b"first,second,same\n"


@pytest.mark.parametrize("path", ["/search", "/images"])
@pytest.mark.parametrize(
    ("photo", "error"),
    [
        (None, "photo"),
        ("words", "the field photo is no file"),
        (("a.jpg", b""), "the file is no photograph: it is empty"),
        (("a.txt", b"some words"), "the file is no photograph"),
        (("a.gif", b"GIF89a..."), "the file is no photograph"),
    ],
)
def test_what_is_no_photograph(server: Server, path: str, photo, error: str) -> None:
    fields = {} if photo is None else {"photo": photo}
    answer = server.ask("POST", path, fields=fields)
    told(answer, 422, error)
    assert "UploadFile" not in answer.data.decode()


def test_an_image_that_is_there_is_not_made_again(server: Server) -> None:
    fields = {"photo": server.photo("photos/3_2.png")}
    first = server.ask("POST", "/images", fields=fields)
    again = server.ask("POST", "/images", fields=fields)
    assert (first.status, again.status) == (201, 200)
    assert (first.json()["new"], again.json()["new"]) == (True, False)
    name = first.json()["id"]
    assert server.ask("DELETE", f"/images/{name}").status == 200
    # One that is sent again, after it was deleted, is wanted.
    assert server.ask("POST", "/images", fields=fields).status == 201
    assert server.ask("DELETE", f"/images/{name}").status == 200


def test_what_was_deleted_stays_deleted(server: Server, ids) -> None:
    from in_process import run_here

    fields = {"photo": server.photo("photos/7_3.png"), "count": "1"}
    (match,) = server.ask("POST", "/search", fields=fields).json()["matches"]
    assert server.ask("DELETE", f"/images/{match['id']}").status == 200
    words = ("--root", "photos", "--gallery", "g")
    done = run_here("index", "f.h5", *words, cwd=server.folder)
    assert "0 added, 31 were there, 1 stay deleted" in done.stdout
    done = run_here("index", "f.h5", *words, "--restore", "--labels", "labels.csv",
                    cwd=server.folder)  # fmt: skip
    assert "1 added, 31 were there; 32 in all" in done.stdout
    assert open_gallery(server.folder / "g").rows.count() == 32


def test_the_guard_says_what_to_do(server: Server) -> None:
    told(server.ask("GET", "/stats", headers=None), 401, "no token is shown")
    headers = {**BEARER, "host": "evil.example"}
    told(server.ask("GET", "/stats", headers=headers), 421, "by this name")
    headers = {**COOKIE, "origin": "http://evil.example"}
    answer = server.ask("POST", "/feedback", headers=headers, fields={})
    told(answer, 403, "another site")


def test_too_large_is_told_while_it_is_sent(server: Server) -> None:
    """By a client that reads no answer before it has sent all, as many do."""
    head = (
        "POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
    )
    begin = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
    parts = [begin, *[b"0" * 2**18] * (MOST_BYTES // 2**18 + 20)]
    chunks = [f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts]
    for way, sent in (
        ("Transfer-Encoding: chunked", b"".join(chunks) + b"0\r\n\r\n"),
        (f"Content-Length: {sum(map(len, parts))}", b"".join(parts)),
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as end:
            end.sendall(f"{head}{way}\r\n\r\n".encode() + sent)
            answer = b""
            while part := end.recv(65536):
                answer += part
        status, _, body = answer.partition(b"\r\n\r\n")
        assert status.startswith(b"HTTP/1.1 413"), way
        said = json.loads(body)
        assert "at most 22,020,096 bytes" in said["error"], way
        assert said["next"] == "send a smaller photograph"


def test_health_tells_what_is_on_disk(
    server: Server, tmp_path: Path, monkeypatch
) -> None:
    """Of a server of its own, whose files go while it runs."""
    folder = Path(shutil.copytree(server.folder, tmp_path / "own"))
    with serving(folder) as own:
        assert own.found("photos/3_2.png")["matches"]
        (folder / "g/rows.lance/data").rename(tmp_path / "away")
        answer = own.ask("GET", "/health", headers=None)
        assert answer.status == 503, answer.data
        said = answer.json()
        assert said["status"] == "failing" and "damaged" in said["problem"]
        assert str(tmp_path) not in answer.data.decode()


def test_a_picture_of_many_kinds(server: Server) -> None:
    """What is taken, so that the words of what is not are true."""
    pixels = cv2.imread(str(server.folder / "photos/3_2.png"))
    for kind in ("JPEG", "PNG", "WEBP", "BMP"):
        memory = io.BytesIO()
        PIL.Image.fromarray(pixels[..., ::-1]).save(memory, kind)
        fields = {"photo": ("a", memory.getvalue()), "count": "1"}
        found = server.ask("POST", "/search", fields=fields).json()
        assert found["matches"][0]["vehicle_id"] == 3, kind

"""`drdl serve` over HTTP: what it answers, and all that it refuses."""

import concurrent.futures
import csv
import io
import json
import re
import socket
import threading
import time
from collections.abc import Iterator

import cv2
import numpy as np
import PIL.Image
import pytest
from in_process import run_here
from search_folder import make_search_folder, make_seen_gallery

pytest.importorskip("lancedb", reason="the extra search is not installed")
pytest.importorskip("urllib3")
pytest.importorskip("fastapi", reason="the extra search is not installed")

from search_server import COOKIE, TOKEN, Server, serving

from pydrdl.gallery.server.guard import MOST_BYTES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = make_search_folder(tmp_path_factory.mktemp("serve"))
    make_seen_gallery(folder)
    with serving(folder) as server:
        yield server


def test_a_photograph_finds_what_the_command_finds(server: Server) -> None:
    answer = server.found("photos/3_2.png", count=5)
    done = run_here("search", "photos/3_2.png", "--gallery", "g", "--count", 5,
                    "--json", "-", cwd=server.folder)  # fmt: skip
    told = json.loads(done.stdout)
    assert answer["matches"] == told["matches"]
    assert answer["matches"][0]["path"] == "3_2.png"
    assert answer["model"] == told["model"]
    page = server.ask("GET", answer["page"])
    assert page.status == 200 and "3_2.png" in page.data.decode()


def test_filters_and_a_row_as_the_query(server: Server) -> None:
    first = server.found("photos/3_2.png", camera=2, not_vehicle=3)["matches"]
    assert {m["camera_id"] for m in first} == {2}
    assert 3 not in {m["vehicle_id"] for m in first}
    name = first[0]["id"]
    answer = server.ask("POST", "/search", fields={"image": name, "count": "32"})
    found = answer.json()
    assert len(found["matches"]) == 31
    assert name not in {m["id"] for m in found["matches"]}
    assert found["page"] == f"/like/{name}"
    later = server.found("photos/3_2.png", since=1.7e9 + 600, until=1.7e9 + 900)
    assert {m["time"] for m in later["matches"]} == {
        1.7e9 + 60 * k for k in range(10, 16)
    }
    anew = server.found("photos/3_2.png", rerank="true")
    assert anew["reranked"]


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 422, "no photograph"),
        ({"photo": ("a.jpg", b"")}, 422, "no photograph: it is empty"),
        ({"photo": ("a.jpg", b"no image")}, 422, "no photograph"),
        ({"photo": ("a.jpg", b"\xff\xd8\xffgarbage")}, 422, "cannot be decoded"),
        ({"photo": ("a.svg", b"<svg/>")}, 422, "no photograph"),
        ({"photo": "words"}, 422, "photo"),
        ({"image": "0" * 16}, 404, "not there"),
        ({"image": "../../etc/passwd"}, 404, "not there"),
        ({"image": "' OR 1=1 --"}, 404, "not there"),
    ],
)
def test_searches_that_are_refused(server: Server, fields, status, error) -> None:
    answer = server.ask("POST", "/search", fields=fields)
    assert answer.status == status
    assert error in answer.json()["error"]
    assert str(server.folder) not in answer.data.decode()


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("box", "0,0,99,20", "not in the photograph"),
        ("box", "1,2,3", "is no box"),
        ("box", "0,0,4,20", "too few to tell"),
        ("count", "0", "count"),
        ("count", "100000", "count"),
        ("camera", "north", "camera"),
        ("camera", "1) OR (1=1", "camera"),
        ("camera", "9" * 30, "camera"),
        ("since", "yesterday", "time 'yesterday'"),
        ("colour", "red", "unknown field 'colour'"),
        ("rerank", "perhaps", "rerank"),
    ],
)
def test_fields_that_are_refused(server: Server, field, value, error) -> None:
    answer = server.search("photos/3_2.png", **{field: value})
    assert answer.status == 422, answer.data
    assert error in answer.json()["error"]


def test_a_huge_image_is_refused_by_its_header(server: Server) -> None:
    picture = io.BytesIO()
    PIL.Image.new("1", (9000, 9000)).save(picture, "PNG")  # 81 megapixels, few bytes
    assert len(picture.getvalue()) < 100_000
    fields = {"photo": ("a.png", picture.getvalue())}
    answer = server.ask("POST", "/search", fields=fields)
    assert answer.status == 422
    assert "9,000 x 9,000 pixels, more than" in answer.json()["error"]
    plain = np.full((40, 40, 3), 200, np.uint8)
    fields = {"photo": ("a.png", cv2.imencode(".png", plain)[1].tobytes())}
    answer = server.ask("POST", "/search", fields=fields)
    assert "no vehicle is to be seen" in answer.json()["error"]


def raw(server: Server, head: str, body: Iterator[bytes]) -> bytes:
    """Sends bytes as they are, until the server has answered or closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as end:
        end.sendall(head.encode())
        try:
            for part in body:
                end.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while part := end.recv(65536):
                answer += part
                if b"\r\n\r\n" in answer and b"}" in answer:
                    break
        except ConnectionResetError:
            pass
        return answer


def test_too_many_bytes_are_refused_while_they_come(server: Server) -> None:
    head = (
        "POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
    )
    told = raw(server, head + f"Content-Length: {10**10}\r\n\r\n", iter(()))
    assert told.startswith(b"HTTP/1.1 413")
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        begin = (
            b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        )
        for part in (begin, *[b"0" * 2**18] * 1000):
            sent += len(part)
            yield f"{len(part):x}\r\n".encode() + part + b"\r\n"

    told = raw(server, head + "Transfer-Encoding: chunked\r\n\r\n", endless())
    assert told.startswith(b"HTTP/1.1 413") or told == b""
    assert sent < MOST_BYTES + 2**26  # what lies in buffers between the two
    assert server.ask("GET", "/health").status == 200


@pytest.mark.parametrize("path", ["/", "/search", "/stats", "/about", "/docs",
                                  "/openapi.json", "/feedback.csv"])  # fmt: skip
@pytest.mark.parametrize(
    "headers",
    [None, {"authorization": "Bearer x"}, {"cookie": "drdl_token=x"},
     {"authorization": "Bearer "}, {"cookie": "drdl_token="}],
)  # fmt: skip
def test_nothing_without_the_token(server: Server, path: str, headers) -> None:
    method = "POST" if path == "/search" else "GET"
    answer = server.ask(method, path, headers=headers)
    assert answer.status == 401
    assert b"vehicle" not in answer.data


def test_the_token_becomes_a_cookie(server: Server) -> None:
    answer = server.ask("GET", f"/about?token={TOKEN}", headers=None)
    assert (answer.status, answer.headers["location"]) == (303, "/about")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert server.ask("GET", "/?token=wrong", headers=None).status == 401
    assert server.ask("GET", "/about", headers=COOKIE).status == 200
    health = server.ask("GET", "/health", headers=None).json()
    assert (health["status"], health["rows"]) == ("ok", 32)


def test_pages_of_other_sites_can_do_nothing(server: Server) -> None:
    fields = {"query": "0" * 16, "row": "0" * 16, "same": "true"}
    for origin, status in (
        ("http://evil.example", 403), ("null", 403),
        (f"http://127.0.0.1:{server.port}", 404),
    ):  # fmt: skip
        headers = {**COOKIE, "origin": origin}
        answer = server.ask("POST", "/feedback", headers=headers, fields=fields)
        assert answer.status == status, origin
    # Nor through a name of theirs that leads here.
    for host in ("evil.example", "[", "127.0.0.1.evil.example", "::"):
        headers = {**COOKIE, "host": host}
        assert server.ask("GET", "/about", headers=headers).status == 421, host


def test_headers_of_every_answer(server: Server) -> None:
    for path in ("/", "/health", "/static/search.js", "/stats", "/images/xyz", "/no"):
        answer = server.ask("GET", path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
    page = server.ask("GET", "/").data.decode()
    assert not re.search(r"<script>|style=| on\w+=|https?://", page)


def test_images_by_id_and_made_anew(server: Server) -> None:
    folder = server.folder
    pixels = cv2.imread(str(folder / "photos/3_2.png"))
    image = PIL.Image.fromarray(cv2.resize(pixels, (2000, 1500))[..., ::-1])
    exif = image.getexif()
    exif[271] = "secret camera"
    picture = io.BytesIO()
    image.save(picture, "JPEG", exif=exif, quality=80)
    assert b"secret camera" in picture.getvalue()
    fields = {
        "photo": ("../../x.jpg", picture.getvalue()), "box": "0,0,1000,1500",
        "camera_id": "7", "time": "2026-11-29T12:00:00", "vehicle_id": "99",
    }  # fmt: skip
    answer = server.ask("POST", "/images", fields=fields)
    assert answer.status == 201, answer.data
    row = answer.json()
    assert row["new"] and (row["camera_id"], row["vehicle_id"]) == (7, 99)
    assert row["taken"] == "2026-11-29 12:00:00" and row["model_id"] is None
    assert "/" not in row["path"] and str(folder) not in answer.data.decode()
    assert not server.ask("POST", "/images", fields=fields).json()["new"]
    thumb = server.ask("GET", f"/images/{row['id']}")
    assert thumb.headers["content-type"] == "image/jpeg"
    assert b"secret" not in thumb.data and b"Exif" not in thumb.data
    shown = cv2.imdecode(np.frombuffer(thumb.data, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (240, 160, 3)  # of the box
    whole = server.ask("GET", f"/images/{row['id']}?side=1024&whole=true")
    shown = cv2.imdecode(np.frombuffer(whole.data, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (768, 1024, 3)
    matches = server.ask("POST", "/search", fields={**fields_of(fields)}).json()
    assert matches["matches"][0]["id"] == row["id"]
    assert matches["matches"][0]["distance"] < 1e-6
    kept = folder / "g/images" / row["path"]
    assert kept.read_bytes() == picture.getvalue()
    assert server.ask("DELETE", f"/images/{row['id']}").json() == {"id": row["id"]}
    assert not kept.exists()
    assert server.ask("DELETE", f"/images/{row['id']}").status == 404
    assert server.ask("GET", f"/images/{row['id']}").status == 404
    assert server.ask("GET", "/stats").json()["rows"] == 32


def fields_of(fields: dict) -> dict:
    return {name: fields[name] for name in ("photo", "box")}


@pytest.mark.parametrize("name", ["xyz", "..%2f..%2fetc%2fpasswd", "0" * 17, "' OR 1"])
def test_what_is_no_id(server: Server, name: str) -> None:
    for method in ("GET", "DELETE"):
        answer = server.ask(method, f"/images/{name}")
        assert answer.status in (404, 422), answer.data
    assert server.ask("GET", f"/like/{name}").status == 404
    assert server.ask("GET", f"/found/{name}").status == 404
    assert server.ask("GET", f"/queries/{name}/photo").status == 404
    assert server.ask("GET", "/images/" + "0" * 16).status == 404


def test_a_photograph_that_is_gone(server: Server) -> None:
    path = server.folder / "photos/7_3.png"
    found = server.found("photos/7_3.png", count=1)["matches"][0]
    path.rename(path.with_suffix(".away"))
    try:
        answer = server.ask("GET", f"/images/{found['id']}")
        assert answer.status == 410 and answer.json()["next"]
        assert str(server.folder) not in answer.data.decode()
    finally:
        path.with_suffix(".away").rename(path)


def test_why_a_row_was_found(server: Server) -> None:
    """The picture that the command draws of the two photographs."""
    answer = server.found("photos/3_2.png", count=4)
    query, row = answer["page"].rpartition("/")[2], answer["matches"][3]
    address = f"/explanation?query={query}&row={row['id']}"
    page = server.ask("GET", answer["page"]).data.decode()
    assert f'href="{address.replace("&", "&amp;")}"' in page
    got = server.ask("GET", address)
    assert got.status == 200 and got.headers["content-type"] == "image/png"
    shown = cv2.imdecode(np.frombuffer(got.data, np.uint8), cv2.IMREAD_COLOR)
    first = answer["matches"][0]  # the photograph itself, as a row
    pair = server.ask("GET", f"/explanation?query={first['id']}&row={row['id']}")
    done = run_here("explain", "photos/3_2.png", f"photos/{row['path']}", "--net",
                    "deploy.prototxt", "--weights", "w", "--output", "why.png",
                    cwd=server.folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    drawn = cv2.imread(str(server.folder / "why.png")).astype(int)
    found = cv2.imdecode(np.frombuffer(pair.data, np.uint8), cv2.IMREAD_COLOR)
    # But for the names below, the same; the kept query has been through JPEG.
    assert found.shape == drawn.shape == shown.shape
    assert (abs(found[:256] - drawn[:256]) == 0).all()
    assert abs(shown[:256] - drawn[:256]).mean() < 12
    browser = {"accept": "text/html", **COOKIE}
    for address, status, error in (
        (f"/explanation?query={row['id']}&row={row['id']}", 422, "the same feature"),
        (f"/explanation?query={'0' * 32}&row={row['id']}", 404, "it is not there"),
        (f"/explanation?query={query}&row={'0' * 16}", 404, "it is not there"),
        (f"/explanation?query={query}", 422, "row"),
        (f"/explanation?query={query}&row={row['id']}&x=1", 422, "unknown field"),
    ):
        refused = server.ask("GET", address)
        assert refused.status == status, refused.data
        assert error in refused.json()["error"]
        told = server.ask("GET", address, headers=browser)
        assert told.status == status and error in told.data.decode()
    path = server.folder / "photos" / row["path"]
    path.rename(path.with_suffix(".away"))
    try:
        gone = server.ask("GET", f"/explanation?query={query}&row={row['id']}")
        assert gone.status == 410 and gone.json()["next"]
    finally:
        path.with_suffix(".away").rename(path)


def test_feedback_is_kept_and_exported(server: Server) -> None:
    answer = server.found("photos/3_2.png", count=3)
    query = answer["page"].rpartition("/")[2]
    rows = [match["id"] for match in answer["matches"]]
    for row, same in ((rows[0], "true"), (rows[1], "true"), (rows[1], "false")):
        fields = {"query": query, "row": row, "same": same}
        assert server.ask("POST", "/feedback", fields=fields).status == 201
    fields = {"query": rows[2], "row": rows[0], "same": "false", "back": "count=3"}
    plain = server.ask("POST", "/verdict", fields=fields)
    assert plain.status == 303
    assert plain.headers["location"] == f"/like/{rows[2]}?count=3#row-{rows[0]}"
    text = server.ask("GET", "/feedback.csv").data.decode()
    pairs = {
        (p["first"], p["second"]): p["same"] for p in csv.DictReader(io.StringIO(text))
    }
    names = [match["path"] for match in answer["matches"]]
    assert pairs[f"queries/{query}.jpg", names[0]] == "1"
    assert pairs[f"queries/{query}.jpg", names[1]] == "0"  # the last word
    assert pairs[names[2], names[0]] == "0"
    page = server.ask("GET", answer["page"]).data.decode()
    assert re.search(rf'id="row-{rows[0]}"[^>]*class="same"', page)
    for wrong in ({"query": "0" * 32}, {"row": "0" * 16}):
        fields = {"query": query, "row": rows[0], "same": "true", **wrong}
        assert server.ask("POST", "/feedback", fields=fields).status == 404
    assert server.ask("POST", "/feedback", fields={"query": query}).status == 422


def test_a_page_without_script(server: Server) -> None:
    photo = ("a.png", (server.folder / "photos/3_2.png").read_bytes())
    headers = {**COOKIE, "accept": "text/html"}
    answer = server.ask("POST", "/", headers=headers, fields={"photo": photo})
    assert answer.status == 303
    page = server.ask("GET", answer.headers["location"], headers=headers)
    text = page.data.decode()
    assert page.status == 200 and text.count('<li id="row-') == 24
    assert "When and where" in text
    narrow = server.ask("GET", answer.headers["location"] + "?camera=2&count=12&model=",
                        headers=headers).data.decode()  # fmt: skip
    assert narrow.count('<li id="row-') == 8  # of this camera there are no more
    wrong = server.ask("GET", answer.headers["location"] + "?camera=x", headers=headers)
    assert wrong.status == 422 and "expected a whole number" in wrong.data.decode()
    odd = server.ask("GET", answer.headers["location"] + "?colour=red", headers=headers)
    assert odd.status == 422 and "unknown field" in odd.data.decode()
    empty = server.ask("POST", "/", headers=headers, fields={"photo": ("a", b"")})
    assert empty.status == 422 and 'role="alert"' in empty.data.decode()
    assert "no photograph" in empty.data.decode()
    lost = server.ask("GET", f"/found/{'0' * 32}", headers=headers)
    assert lost.status == 404 and "not kept any more" in lost.data.decode()


def test_the_api_is_described(server: Server) -> None:
    schema = server.ask("GET", "/openapi.json").json()
    operations = {
        (method.upper(), path) for path, methods in schema["paths"].items()
        for method in methods
    }  # fmt: skip
    assert operations == {
        ("POST", "/search"), ("GET", "/images/{name}"), ("POST", "/images"),
        ("DELETE", "/images/{name}"), ("GET", "/health"), ("GET", "/stats"),
        ("POST", "/feedback"), ("GET", "/feedback.csv"), ("GET", "/explanation"),
    }  # fmt: skip
    page = server.ask("GET", "/docs").data.decode()
    for method, path in operations:
        assert f"<code>{method} {path}</code>" in page
    stats = server.ask("GET", "/stats").json()
    assert (stats["rows"], stats["vehicles"], stats["width"]) == (32, 8, 24)
    assert stats["cameras"] == {str(k): 8 for k in range(4)}
    assert stats["calibration_error"] is not None


def test_many_at_once_lose_nothing(server: Server) -> None:
    names = [f"photos/{v}_{k}.png" for v in range(8) for k in range(2)]
    expected = {name: server.found(name, count=5)["matches"] for name in names}
    full = threading.Event()

    def client(number: int) -> int:
        asked = 0
        for k in range(6):
            name = names[(number + 5 * k) % len(names)]
            while (answer := server.search(name, count=5)).status == 429:
                assert answer.headers["retry-after"]
                full.set()
                time.sleep(0.05)
            assert answer.status == 200, answer.data
            assert answer.json()["matches"] == expected[name]
            asked += 1
        return asked

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert list(pool.map(client, range(12))) == [6] * 12
    assert server.ask("GET", "/health").json()["waiting"] == 0


def test_who_goes_away_costs_nothing_more(server: Server) -> None:
    data = (server.folder / "photos/3_2.png").read_bytes()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        + data + b"\r\n--x--\r\n"
    )  # fmt: skip
    head = (
        f"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", server.port)) as end:
            end.sendall(head.encode() + body)
    for _ in range(600):
        if server.ask("GET", "/health").json()["waiting"] == 0:
            break
        time.sleep(0.05)
    assert server.found("photos/3_2.png", count=1)["matches"][0]["path"] == "3_2.png"


def test_a_second_server_is_told(server: Server) -> None:
    done = run_here("serve", "--gallery", "g", "--port", server.port, cwd=server.folder)
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
    assert "give another --port" in done.stderr


def test_servers_that_do_not_start(server: Server, monkeypatch) -> None:
    for words, message in (
        (("--gallery", "none"), "no such folder"),
        (("--gallery", "photos"), "no gallery is here"),
        (("--gallery", "g", "--weights", "list.txt"), "SHA-256 is another"),
        (("--gallery", "g", "--host", "192.0.2.1"), "cannot listen"),
    ):
        done = run_here("serve", *words, cwd=server.folder)
        assert done.returncode == 1 and message in done.stderr, done
    monkeypatch.setenv("DRDL_TOKEN", "short")
    done = run_here("serve", "--gallery", "g", cwd=server.folder)
    assert done.returncode == 1 and "the variable DRDL_TOKEN" in done.stderr

"""Pictures of the drawn CompCars: boxes, sides, what hides what, makes."""

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.render import scene, web_photo
from pydrdl.render.camera import Perspective
from pydrdl.render.cars import SHARES, draw_car, draw_make, draw_specimen
from pydrdl.render.draws import WEB, generator
from pydrdl.render.marks import specimen
from pydrdl.render.mesh import Mesh, Part
from pydrdl.render.model import FAMILIES, Model, draw_model
from pydrdl.render.photo import OTHERS
from pydrdl.render.scene import Pixels, end_seen, paint_mesh
from pydrdl.render.surroundings import PLACES, draw_place, paint_surroundings
from pydrdl.render.web_camera import Viewpoint, look_at
from pydrdl.render.web_photo import (
    WebShot,
    car_box,
    draw_shot,
    paint_car,
    photograph_car,
    viewpoint_of,
)

SIZE = 320


def shot_of(model: Model, image: int, size: int = SIZE) -> WebShot:
    return draw_shot(model, generator(7, 0, image, kind=WEB), size)


def shots_of(model: Model, viewpoint: Viewpoint, number: int) -> list[WebShot]:
    """So many shots from one side."""
    every = (shot_of(model, image) for image in range(200))
    return [shot for shot in every if shot.viewpoint == viewpoint][:number]


def silhouette(model: Model, shot: WebShot) -> np.ndarray:
    """The pixels that the car fills: alike on black and on white ground."""
    painted = []
    for grey in (0, 255):
        pixels = np.full((shot.height, shot.width, 3), grey, np.uint8)
        paint_car(pixels, model, shot, generator(8, 0, 0))
        painted.append(pixels)
    return np.all(painted[0] == painted[1], axis=2)


@pytest.mark.parametrize("fine", [1, 4])
def test_the_box_is_the_silhouette_s(fine: int) -> None:
    cut = 0
    for image in range(60):
        model = draw_car(3, image % 4, image)
        shot = shot_of(model, image)
        rows, columns = np.nonzero(silhouette(model, shot))
        left, top, right, bottom = car_box(model, shot, fine)
        found = (columns.min() // fine, rows.min() // fine,
                 columns.max() // fine + 1, rows.max() // fine + 1)  # fmt: skip
        height, width = shot.height // fine, shot.width // fine
        cut += left == 0 or top == 0 or right == width or bottom == height
        loose = 3 if fine == 1 else 1
        assert left <= found[0] <= left + loose and top <= found[1] <= top + loose
        assert right - loose <= min(found[2], width) <= right
        assert bottom - loose <= min(found[3], height) <= bottom
    assert cut < 15  # pictures that cut a car off are few


def test_sides_are_what_they_are_called() -> None:
    model = draw_car(3, 0, 0)
    # Degrees from the nose, to either side.
    limits = {1: (0, 15), 2: (165, 180), 3: (75, 105), 4: (15, 75), 5: (105, 165)}
    angles: dict[int, list[float]] = {viewpoint: [] for viewpoint in limits}
    for image in range(150):
        shot = shot_of(model, image)
        x, _, z = shot.view.position
        angle = float(np.degrees(np.arctan2(abs(x), z)))
        low, high = limits[shot.viewpoint]
        assert low <= angle <= high
        angles[shot.viewpoint].append(np.copysign(angle, x))
        assert viewpoint_of(7, 0, image) == shot.viewpoint
    for some in angles.values():  # from both sides
        assert min(some) < 0 < max(some)
    photo = photograph_car(model, 7, 0, 0, 32)
    assert photo.viewpoint == viewpoint_of(7, 0, 0)


def test_cameras_look_at_the_car_as_opencv_s_do() -> None:
    place, aim = np.array([3.0, 1.5, -6.0]), np.array([0.2, 0.7, 0.1])
    view = look_at(place, aim, 0.02)
    np.testing.assert_allclose(view.project(aim[None]), [[0, 0]], atol=1e-12)
    points = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    rotation = view.axes * np.array([(1,), (-1,), (1,)])  # OpenCV's y is down
    np.testing.assert_allclose(np.linalg.det(view.axes), -1)  # x is to the left
    expected = (points - place) @ rotation.T
    np.testing.assert_allclose(view.project(points), expected[:, :2] / expected[:, 2:])
    # The car's left is on the right of its front's picture.
    front = look_at(np.array([0, 1, 9.0]), np.zeros(3))
    assert front.project(np.array([[1.0, 0, 0]]))[0, 0] > 0
    low, high = front.project(np.array([[0, 0, 0], [0, 1.0, 0]]))[:, 1]
    assert high < low


def painted_parts(
    mesh: Mesh, shot: WebShot, monkeypatch: pytest.MonkeyPatch
) -> np.ndarray:
    """Which part the painter leaves at each pixel; -1 where there is none."""
    canvas = np.full((shot.height, shot.width, 3), 255, np.uint8)

    def pane(part: Part, outline: np.ndarray) -> None:
        cv2.fillConvexPoly(canvas, outline, (int(part),) * 3, cv2.LINE_8, scene.SHIFT)

    codes: list[np.ndarray] = []

    def code(materials: np.ndarray, *rest: object) -> np.ndarray:
        return codes.pop()

    facing = scene._facing(mesh, shot.view)
    front = end_seen(shot.view, mesh)
    with monkeypatch.context() as patch:
        patch.setattr(scene, "shade", code)
        # The order is the painter's own: it asks for the colours of seen, sorted.
        patch.setattr(scene, "_facing", lambda *_: facing)
        sort = np.lexsort

        def remember(keys: tuple[np.ndarray, ...]) -> np.ndarray:
            order = sort(keys)
            parts = mesh.parts[facing[0][order]].astype(float)
            codes.append(np.repeat(parts[:, None], 3, axis=1))
            return order

        patch.setattr(np, "lexsort", remember)
        colours = specimen(draw_car(3, 0, 0), shot.vehicle).colours
        paint_mesh(canvas, mesh, shot.view, colours, shot.place.light, front, pane)
    return np.where(canvas[..., 0] == 255, -1, canvas[..., 0].astype(int))


def nearest_parts(mesh: Mesh, shot: WebShot) -> np.ndarray:
    """The same by a depth buffer over the faces of the surfaces."""
    depth = np.full((shot.height, shot.width), np.inf)
    found = np.full((shot.height, shot.width), -1)
    towards = shot.view.position - mesh.centres
    facing = (mesh.normals * towards).sum(axis=1) > 0
    for i in np.flatnonzero(facing & (mesh.layers == 0)).tolist():
        shape = mesh.points[mesh.starts[i] : mesh.starts[i + 1]]
        mask = np.zeros(depth.shape, np.uint8)
        corners = np.rint(shot.view.project(shape)).astype(np.int32)
        cv2.fillConvexPoly(mask, corners, 1)
        away = float(shot.view.depth(shape).mean())
        seen = (mask > 0) & (away < depth)
        depth[seen], found[seen] = away, mesh.parts[i]
    return found


@pytest.mark.parametrize("viewpoint", Viewpoint)
def test_the_nearer_hides_the_farther(
    viewpoint: Viewpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the painter leaves visible is what a depth buffer finds."""
    families = Counter[str]()
    for number in range(40):
        model = draw_car(3, number % 5, number)
        if families[model.body.family]:
            continue
        families[model.body.family] += 1
        for shot in shots_of(model, viewpoint, 2):
            mesh = specimen(model, shot.vehicle).mesh
            mesh = replace(mesh, widths=0 * mesh.widths)  # surfaces are compared
            painted = painted_parts(mesh, shot, monkeypatch)
            nearest = nearest_parts(mesh, shot)
            body = nearest >= 0
            assert body.mean() > 0.1
            assert (painted == nearest)[body].mean() > 0.95, model.body.family
            over = body & (painted == Part.MIRROR) & (nearest != Part.MIRROR)
            assert over.sum() < 0.002 * body.sum(), model.body.family
    assert len(families) >= 4


@pytest.mark.parametrize("viewpoint", Viewpoint)
def test_bodies_have_no_holes(viewpoint: Viewpoint) -> None:
    for number in range(6):
        model = draw_car(3, number, number)
        for shot in shots_of(model, viewpoint, 2):
            body = silhouette(model, shot).astype(np.uint8)
            edges, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            largest = max(edges, key=cv2.contourArea)
            filled = np.zeros_like(body)
            cv2.drawContours(filled, [largest], -1, 1, cv2.FILLED)
            holes = (filled > body).astype(np.uint8)
            count, _, stats, _ = cv2.connectedComponentsWithStats(holes)
            assert count == 1 or stats[1:, cv2.CC_STAT_AREA].max() < 0.01 * body.sum()


def test_an_image_depends_on_its_numbers_only() -> None:
    model = draw_car(1, 0, 0)
    first = photograph_car(model, 1, 0, 3, 64)
    photograph_car(draw_car(1, 1, 5), 1, 5, 0, 64)
    again = photograph_car(model, 1, 0, 3, 64)
    assert np.array_equal(first.pixels, again.pixels) and first.box == again.box
    others = [photograph_car(model, *n, 64).pixels for n in ((2, 0, 3), (1, 1, 3),
                                                             (1, 0, 4))]  # fmt: skip
    for other in others:
        assert not np.array_equal(first.pixels, other)


def test_every_image_is_of_another_specimen() -> None:
    vehicles = [draw_specimen(generator(1, 0, k, kind=WEB)) for k in range(300)]
    assert len({(vehicle.paint, vehicle.tint) for vehicle in vehicles}) == 300
    assert not any(v.marks or v.things or v.load or v.stripe for v in vehicles)
    plain = [replace(v, paint=(0.0, 0.0, 0.0), top=None, mirrors=None, tint=0.0)
             for v in vehicles]  # fmt: skip
    assert len({(v.plate, replace(v, plate=(0.0, 0.0, 0.0))) for v in plain}) == 5
    bright = np.array([sum(vehicle.paint) / 3 for vehicle in vehicles])
    assert (bright < 60).mean() > 0.1 and (bright > 180).mean() > 0.15


def test_models_are_not_the_rendered_vehicleid_s() -> None:
    cars = [draw_car(1, number % 9, number) for number in range(150)]
    assert {car.body.family for car in cars} == set(SHARES)
    boxes = {car.back.lamp_box for car in cars}  # no make changes these
    assert len(boxes) == 150
    for seed in (1, 1 + OTHERS):
        others = {draw_model(seed, number).back.lamp_box for number in range(250)}
        assert not boxes & others


def test_models_of_a_make_are_alike() -> None:
    cars = [(make, draw_car(1, make, 50 * make + n)) for make in range(12)
            for n in range(12)]  # fmt: skip

    def agree(trait: str) -> tuple[float, float]:
        """How often two models agree: of one make, and of two."""
        values = [
            model.badge if trait == "badge" else getattr(model.front, trait)
            for _, model in cars
        ]
        counts = {True: [0, 0], False: [0, 0]}
        for i, (first, _) in enumerate(cars):
            for j, (second, _) in enumerate(cars[:i]):
                counts[first == second][0] += values[i] == values[j]
                counts[first == second][1] += 1
        same, other = (agreed / of for agreed, of in (counts[True], counts[False]))
        return same, other

    assert agree("badge")[0] == 1
    for trait in ("lamp", "grille"):
        same, other = agree(trait)
        assert same > 0.55 > 0.4 > other
    waists = np.array([(m, (c.body.waist - FAMILIES[c.body.family]["waist"][0]))
                       for m, c in cars if c.body.family == "saloon"])  # fmt: skip
    spread = np.mean([waists[waists[:, 0] == m, 1].std() for m in range(12)
                      if (waists[:, 0] == m).sum() > 2])  # fmt: skip
    assert spread < 0.9 * waists[:, 1].std()
    assert len({draw_make(1, n).badge for n in range(30)}) == 5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(0, 2000), st.integers(0, 5000))
def test_any_image_can_be_drawn(seed: int, number: int, image: int) -> None:
    photo = photograph_car(
        draw_car(seed, number % 163, number), seed, number, image, 48
    )
    height, width = photo.pixels.shape[:2]
    left, top, right, bottom = photo.box
    assert 0 <= left < right <= width == 48 and 0 <= top < bottom <= height
    assert 0.55 <= height / width <= 0.81
    share = max((right - left) / width, (bottom - top) / height)
    assert share > 0.5
    assert photo.pixels.std() > 3


def test_others_stand_behind_the_car(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def record(pixels: Pixels, mesh: Mesh, view: Perspective, *rest: object) -> None:
        seen.append(view.position)  # from the vehicle that is painted

    monkeypatch.setattr(web_photo, "paint_mesh", record)
    model, others = draw_car(3, 0, 0), 0
    for image in range(80):
        seen.clear()
        photograph_car(model, 3, 0, image, 32)
        if len(seen) == 2:
            others += 1
            other, car = (np.linalg.norm(position[[0, 2]]) for position in seen)
            assert other > car + 0.3
    assert 5 < others < 40


def test_places_differ() -> None:
    """Colours of what is around: sky and ground apart outdoors, all kinds seen."""
    seen = Counter[str]()
    corners: dict[str, list[Pixels]] = {}
    for image in range(150):
        random = generator(9, image, kind=WEB)
        place = draw_place(random)
        seen[place.kind] += 1
        view = look_at(np.array([2.0, 1.4, 8.0]), np.array([0, 0.7, 0]))
        view.scale, view.offset = 150.0, np.array([80.0, 60.0])
        pixels = paint_surroundings(random, place, view, 160, 120)
        assert pixels.shape == (120, 160, 3)
        corners.setdefault(place.kind, []).append(pixels)
    assert set(seen) == set(PLACES)
    spread = {kind: np.mean([p.std() for p in some]) for kind, some in corners.items()}
    assert spread["studio"] < 15 < 20 < min(spread["street"], spread["park"])

    def greenest(pixels: Pixels) -> float:
        """Share of pixels whose green is the strongest channel."""
        return float((pixels.argmax(axis=2) == 1).mean())

    green = {kind: np.mean([*map(greenest, some)]) for kind, some in corners.items()}
    assert green["park"] == max(green.values())
    # Just below the horizon, some metres behind the car: grass.
    lawn = {kind: np.mean([greenest(p[64:68]) for p in some])
            for kind, some in corners.items()}  # fmt: skip
    assert lawn.pop("park") > 0.9 > 0.6 > max(lawn.values())

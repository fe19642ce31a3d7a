"""Pictures of the drawn CompCars: boxes, sides, what hides what, makes."""

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import largest_hole

from pydrdl.render import painter
from pydrdl.render.draws import CAR_IMAGE, generator
from pydrdl.render.mesh import Mesh, Region
from pydrdl.render.model import (
    FAMILIES,
    SHARES,
    VehicleModel,
    draw_car_model,
    draw_make,
    draw_model,
)
from pydrdl.render.painter import paint_mesh
from pydrdl.render.photo import (
    OTHERS,
    Shot,
    Viewpoint,
    car_box,
    draw_shot,
    draw_viewpoint,
    paint_vehicle,
    photograph_car,
    viewpoint_of,
)
from pydrdl.render.scene import SHIFT
from pydrdl.render.specimen import specimen
from pydrdl.render.vehicle import DrawnVehicle, draw_car

SIZE = 320


VIEWPOINTS = [side for side in Viewpoint if side != Viewpoint.SIDE]
CarShot = tuple[Viewpoint, DrawnVehicle, Shot]


def shot_of(model: VehicleModel, image: int, size: int = SIZE) -> CarShot:
    random = generator(7, 0, image, kind=CAR_IMAGE)
    viewpoint, camera = draw_viewpoint(7, random)
    vehicle = draw_car(random)
    return viewpoint, vehicle, draw_shot(model, vehicle, camera, random, size)


def shots_of(model: VehicleModel, viewpoint: Viewpoint, number: int) -> list[CarShot]:
    """So many shots from one side."""
    every = (shot_of(model, image) for image in range(200))
    return [shot for shot in every if shot[0] == viewpoint][:number]


def silhouette(model: VehicleModel, vehicle: DrawnVehicle, shot: Shot) -> np.ndarray:
    """The pixels that the car fills: alike on black and on white ground."""
    painted = []
    for grey in (0, 255):
        pixels = np.full((SIZE, SIZE, 3), grey, np.uint8)
        paint_vehicle(pixels, model, vehicle, shot, generator(8, 0, 0))
        painted.append(pixels)
    return np.all(painted[0] == painted[1], axis=2)


@pytest.mark.parametrize("size", [SIZE // 2, SIZE // 4])
def test_the_box_is_the_silhouette_s(size: int) -> None:
    cut, fine = 0, SIZE // size
    for image in range(60):
        model = draw_car_model(3, image % 4, image)
        _, vehicle, shot = shot_of(model, image)
        rows, columns = np.nonzero(silhouette(model, vehicle, shot))
        left, top, right, bottom = car_box(model, vehicle, shot, size)
        found = (columns.min() // fine, rows.min() // fine,
                 columns.max() // fine + 1, rows.max() // fine + 1)  # fmt: skip
        cut += left == 0 or top == 0 or right == size or bottom == size
        around = painter.extent(specimen(model, vehicle).mesh, shot.view)
        assert around.min() > -0.03 * SIZE and around.max() < 1.03 * SIZE
        loose = 2 if fine == 2 else 1
        assert left <= found[0] <= left + loose and top <= found[1] <= top + loose
        assert right - loose <= min(found[2], size) <= right
        assert bottom - loose <= min(found[3], size) <= bottom
    assert cut < 25  # a crop may cut a mirror or a little more off


def test_sides_are_what_they_are_called() -> None:
    model = draw_car_model(3, 0, 0)
    # Degrees from the nose, to either side.
    limits = {1: (0, 23), 2: (157, 180), 4: (23, 80), 5: (100, 157)}
    angles: dict[int, list[float]] = {viewpoint: [] for viewpoint in limits}
    for image in range(150):
        viewpoint, _, shot = shot_of(model, image)
        x, _, z = shot.view.position
        angle = float(np.degrees(np.arctan2(abs(x), z)))
        low, high = limits[viewpoint]
        assert low <= angle <= high
        angles[viewpoint].append(np.copysign(angle, x))
        assert viewpoint_of(7, 0, image) == viewpoint
    for some in angles.values():  # from both sides
        assert min(some) < 0 < max(some)
    photo = photograph_car(model, 7, 0, 0, 32)
    assert photo.viewpoint == viewpoint_of(7, 0, 0)


def painted_regions(
    mesh: Mesh, vehicle: DrawnVehicle, shot: Shot, monkeypatch: pytest.MonkeyPatch
) -> np.ndarray:
    """Which region the painter leaves at each pixel; -1 where there is none."""
    canvas = np.full((SIZE, SIZE, 3), 255, np.uint8)

    def pane(region: Region, outline: np.ndarray) -> None:
        cv2.fillConvexPoly(canvas, outline, (int(region),) * 3, cv2.LINE_8, SHIFT)

    codes: list[np.ndarray] = []

    def code(materials: np.ndarray, *rest: object) -> np.ndarray:
        return codes.pop()

    facing = painter._facing(mesh, shot.view)
    with monkeypatch.context() as patch:
        patch.setattr(painter, "shade", code)
        # The order is the painter's own: it asks for the colours of seen, sorted.
        patch.setattr(painter, "_facing", lambda *_: facing)
        sort = np.lexsort

        def remember(keys: tuple[np.ndarray, ...]) -> np.ndarray:
            order = sort(keys)
            regions = mesh.regions[facing[0][order]].astype(float)
            codes.append(np.repeat(regions[:, None], 3, axis=1))
            return order

        patch.setattr(np, "lexsort", remember)
        colours = specimen(draw_car_model(3, 0, 0), vehicle).colours
        front = shot.camera.front
        paint_mesh(canvas, mesh, shot.view, colours, shot.light, front, pane)
    return np.where(canvas[..., 0] == 255, -1, canvas[..., 0].astype(int))


def nearest_regions(mesh: Mesh, shot: Shot) -> np.ndarray:
    """The same by a depth buffer over the faces of the surfaces."""
    depth = np.full((SIZE, SIZE), np.inf)
    found = np.full((SIZE, SIZE), -1)
    towards = shot.view.position - mesh.centres
    facing = (mesh.normals * towards).sum(axis=1) > 0
    for i in np.flatnonzero(facing & (mesh.layers == 0)).tolist():
        shape = mesh.points[mesh.starts[i] : mesh.starts[i + 1]]
        mask = np.zeros(depth.shape, np.uint8)
        corners = np.rint(shot.view.project(shape)).astype(np.int32)
        cv2.fillConvexPoly(mask, corners, 1)
        away = float(shot.view.depth(shape).mean())
        seen = (mask > 0) & (away < depth)
        depth[seen], found[seen] = away, mesh.regions[i]
    return found


@pytest.mark.parametrize("viewpoint", VIEWPOINTS)
def test_the_nearer_hides_the_farther(
    viewpoint: Viewpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the painter leaves visible is what a depth buffer finds."""
    families = Counter[str]()
    for number in range(40):
        model = draw_car_model(3, number % 5, number)
        if families[model.body.family]:
            continue
        families[model.body.family] += 1
        for _, vehicle, shot in shots_of(model, viewpoint, 2):
            mesh = specimen(model, vehicle).mesh
            mesh = replace(mesh, widths=0 * mesh.widths)  # surfaces are compared
            painted = painted_regions(mesh, vehicle, shot, monkeypatch)
            nearest = nearest_regions(mesh, shot)
            body = nearest >= 0
            assert body.mean() > 0.1
            assert (painted == nearest)[body].mean() > 0.95, model.body.family
            over = body & (painted == Region.MIRROR) & (nearest != Region.MIRROR)
            assert over.sum() < 0.002 * body.sum(), model.body.family
    assert len(families) >= 4


@pytest.mark.parametrize("viewpoint", VIEWPOINTS)
def test_bodies_have_no_holes(viewpoint: Viewpoint) -> None:
    for number in range(6):
        model = draw_car_model(3, number, number)
        for _, vehicle, shot in shots_of(model, viewpoint, 2):
            body = silhouette(model, vehicle, shot).astype(np.uint8)
            hole, _ = largest_hole(body)
            assert hole < 0.01 * body.sum()


def test_an_image_depends_on_its_numbers_only() -> None:
    model = draw_car_model(1, 0, 0)
    first = photograph_car(model, 1, 0, 3, 64)
    photograph_car(draw_car_model(1, 1, 5), 1, 5, 0, 64)
    again = photograph_car(model, 1, 0, 3, 64)
    assert np.array_equal(first.pixels, again.pixels) and first.box == again.box
    others = [photograph_car(model, *n, 64).pixels for n in ((2, 0, 3), (1, 1, 3),
                                                             (1, 0, 4))]  # fmt: skip
    for other in others:
        assert not np.array_equal(first.pixels, other)


def test_every_image_is_of_another_specimen() -> None:
    vehicles = [draw_car(generator(1, 0, k, kind=CAR_IMAGE)) for k in range(300)]
    assert len({(vehicle.paint, vehicle.tint) for vehicle in vehicles}) == 300
    assert not any(v.marks or v.things or v.load or v.stripe for v in vehicles)
    plain = [replace(v, paint=(0.0, 0.0, 0.0), top=None, mirrors=None, tint=0.0)
             for v in vehicles]  # fmt: skip
    assert len({(v.plate, replace(v, plate=(0.0, 0.0, 0.0))) for v in plain}) == 5
    bright = np.array([sum(vehicle.paint) / 3 for vehicle in vehicles])
    assert (bright < 60).mean() > 0.1 and (bright > 180).mean() > 0.15


def test_models_are_not_the_rendered_vehicleid_s() -> None:
    cars = [draw_car_model(1, number % 9, number) for number in range(150)]
    assert {car.body.family for car in cars} == set(SHARES)
    boxes = {car.back.lamp_box for car in cars}  # no make changes these
    assert len(boxes) == 150
    for seed in (1, 1 + OTHERS):
        others = {draw_model(seed, number).back.lamp_box for number in range(250)}
        assert not boxes & others


def test_models_of_a_make_are_alike() -> None:
    cars = [(make, draw_car_model(1, make, 50 * make + n)) for make in range(12)
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
    model = draw_car_model(seed, number % 163, number)
    photo = photograph_car(model, seed, number, image, 48)
    height, width = photo.pixels.shape[:2]
    left, top, right, bottom = photo.box
    assert 0 <= left < right <= width == 48 and 0 <= top < bottom <= height == 48
    share = max((right - left) / width, (bottom - top) / height)
    assert share > 0.5
    assert photo.pixels.std() > 3

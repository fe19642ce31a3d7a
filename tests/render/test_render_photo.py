"""What is drawn: geometry, marks that move with the view, blank plates."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import largest_hole

from pydrdl.arrays import Pixels
from pydrdl.render.body import shell
from pydrdl.render.draws import generator
from pydrdl.render.ends import PLATE
from pydrdl.render.mesh import Mesh, Region, Stuff, U, V, patch
from pydrdl.render.model import FAMILIES, VehicleModel, draw_model
from pydrdl.render.painter import RANKS
from pydrdl.render.photo import (
    Shot,
    camera_of,
    draw_shot,
    marks_apart,
    paint_vehicle,
    photograph,
)
from pydrdl.render.scene import CITY, View, draw_camera
from pydrdl.render.specimen import specimen
from pydrdl.render.vehicle import LOADS, DrawnVehicle, Mark, Thing, draw_vehicle

SIZE = 512
MAGENTA = (255.0, 0.0, 255.0)
FAMILY_NUMBERS = range(len(FAMILIES))  # the first models take each family once


def plain(vehicle: DrawnVehicle) -> DrawnVehicle:
    """The same vehicle without marks."""
    return replace(
        vehicle, paint=(60.0, 60.0, 60.0), top=None, lower=None, bonnet=None,
        bumper=None, mirrors=None, marks=(), things=(), ornament=None, sun_strip=None,
        ribbons=None, load=None, stripe=None, side_stripe=None, cover=None,
        cargo=(90.0, 90.0, 90.0), tint=0.0,
    )  # fmt: skip


PLAIN = plain(draw_vehicle(1, 0))


def shot_of(model: VehicleModel, vehicle: DrawnVehicle, image: int) -> Shot:
    random = generator(5, 0, image)
    camera = draw_camera(1, int(random.integers(CITY)))
    return draw_shot(model, vehicle, camera, random, SIZE)


def shots(model: VehicleModel, front: bool, number: int) -> list[tuple[Shot, Pixels]]:
    """So many shots of one end, each with a canvas."""
    found = []
    for image in range(1000):
        shot = shot_of(model, PLAIN, image)
        if shot.camera.front == front:
            found.append((shot, np.full((SIZE, SIZE, 3), 120, np.uint8)))
        if len(found) == number:
            return found
    raise AssertionError("no such shots")


def paint(
    model: VehicleModel, vehicle: DrawnVehicle, shot: Shot, pixels: Pixels
) -> Pixels:
    paint_vehicle(pixels, model, vehicle, shot, generator(6, 0, 0))
    return pixels


def is_magenta(colour: np.ndarray) -> bool:
    blue, green, red = (float(channel) for channel in colour)
    return min(blue, red) > 1.4 * green + 20


def test_projection_is_opencv_s() -> None:
    model = draw_model(1, 0)
    for number in range(CITY):
        camera = draw_camera(1, number)
        view = View(camera, model.body.length, 0.1, camera.distance, camera.aside)
        points = shell(model.body).outline
        view.crop(points, SIZE, (0.05, 0.1, 0.02, 0.0))
        rotation = view.axes * np.array([(1,), (-1,), (1,)])
        assert np.allclose(rotation @ rotation.T, np.eye(3))
        intrinsic = np.array([
            (view.focal * view.scale, 0, view.offset[0]),
            (0, view.focal * view.scale, view.offset[1]), (0, 0, 1),
        ])  # fmt: skip
        expected, _ = cv2.projectPoints(
            points,
            cv2.Rodrigues(rotation)[0],
            -rotation @ view.position,
            intrinsic,
            None,
        )
        found = view.project(points)
        np.testing.assert_allclose(found, expected[:, 0], atol=1e-6)
        low, high = found.min(axis=0), found.max(axis=0)
        assert (low >= -1e-6).all() and (high <= SIZE + 1e-6).all()


def test_cameras_look_down_on_the_road() -> None:
    cameras = [draw_camera(1, number) for number in range(CITY)]
    assert {camera.front for camera in cameras} == {True, False}
    for camera in cameras:
        view = View(camera, 4.5, 0.0, camera.distance, camera.aside)
        # The camera's foot, by another way than View's: along the road, then aside.
        end = 1 if camera.front else -1
        expected = (end * camera.aside, camera.height, end * (2.25 + camera.distance))
        np.testing.assert_allclose(view.position, expected)
        assert view.axes[2][1] < -0.1  # ahead is down
        assert view.axes[2][2] * end < 0  # and towards the vehicle


@pytest.mark.parametrize("number", FAMILY_NUMBERS)
def test_a_mark_moves_with_the_view(number: int) -> None:
    model = draw_model(1, number)
    parts = shell(model.body)
    places = [("front", parts.front, True, 0.6, 0.62),
              ("back", parts.panel, False, 0.35, 0.8),
              ("screen", parts.screen, True, -0.5, 0.7)]  # fmt: skip
    if not model.body.cargo:
        places.append(("window", parts.window, False, 0.4, 0.5))
    if model.body.bonnet > 0.3:
        places.append(("bonnet", parts.bonnet, True, 0.2, 0.6))
    for where, on, front, u, v in places:
        mark = Mark(where, "square", u, v, 0.12, 0.12, MAGENTA, MAGENTA)
        vehicle = replace(PLAIN, marks=(mark,))
        seen = []
        for shot, pixels in shots(model, front, 8):
            paint(model, vehicle, shot, pixels)
            spot = shot.view.project(on.at([(u, v)]))[0]
            seen.append(spot)
            assert is_magenta(pixels[int(spot[1]), int(spot[0])]), (where, spot)
        assert np.ptp(np.array(seen), axis=0).max() > 8  # the views do differ


def test_things_behind_the_glass_move_with_the_view() -> None:
    model = draw_model(1, 0)
    on = shell(model.body).screen
    ornament = replace(PLAIN, ornament=(0.2, 0.07, MAGENTA))
    thing = replace(PLAIN, things=(Thing(True, "box", -0.4, 0.2, 0.24, MAGENTA),))
    hung = on.at([(0.0, 0.9)])[0] - (0, 0.27, 0.1)
    laid = on.at([(-0.4, 0.03)])[0] + (0, 0.07, -0.2)
    for vehicle, place in ((ornament, hung), (thing, laid)):
        for shot, pixels in shots(model, True, 5):
            paint(model, vehicle, shot, pixels)
            x, y = shot.view.project(place[None])[0]
            assert is_magenta(pixels[int(y), int(x)])


def test_marks_of_one_end_are_not_seen_from_the_other() -> None:
    model = draw_model(1, 0)
    for where, front in (("front", False), ("bonnet", False), ("back", True)):
        mark = Mark(where, "square", 0.3, 0.6, 0.12, 0.12, MAGENTA, MAGENTA)
        for shot, pixels in shots(model, front, 3):
            bare = paint(model, PLAIN, shot, pixels.copy())
            marked = paint(model, replace(PLAIN, marks=(mark,)), shot, pixels)
            assert np.array_equal(bare, marked)


def test_a_roof_load_is_seen_from_both_ends() -> None:
    model = draw_model(1, 0)
    loaded = replace(PLAIN, load="box", load_colours=(MAGENTA, MAGENTA))
    for front in (True, False):
        for shot, pixels in shots(model, front, 3):
            bare = paint(model, PLAIN, shot, pixels.copy())
            changed = np.abs(paint(model, loaded, shot, pixels).astype(int) - bare)
            assert (changed.max(axis=2) > 30).mean() > 0.01


@pytest.mark.parametrize("load", LOADS)
def test_the_crop_holds_vehicle_and_load(load: str) -> None:
    for number in FAMILY_NUMBERS:
        model = draw_model(1, number)
        loaded = replace(PLAIN, load=load)
        points = specimen(model, loaded).mesh.points
        for image in range(6):
            shot = shot_of(model, loaded, image)
            flat = shot.view.project(points)
            # A crop may cut a little off; mirrors stand out further.
            assert (flat[:, 1] > -0.03 * SIZE).all() and flat.max() < 1.15 * SIZE
            assert np.ptp(flat, axis=0).max() > 0.75 * SIZE


@pytest.mark.parametrize("number", FAMILY_NUMBERS)
def test_plates_are_blank(number: int) -> None:
    """Whatever marks and stripes there are, nothing lies on a plate."""
    model = draw_model(1, number)
    heights = np.linspace(0.1, 0.9, 9)
    vehicle = replace(
        PLAIN, stripe=(0.0, 0.2, MAGENTA, False), side_stripe=MAGENTA,
        marks=tuple(Mark(where, "square", 0.0, v, 0.15, 0.1, MAGENTA, MAGENTA)
                    for where in ("front", "back") for v in heights),
    )  # fmt: skip
    made = specimen(model, vehicle).mesh
    plates = np.flatnonzero(made.materials == Stuff.PLATE)
    assert plates.size == 2
    for front in (True, False):
        part = Region.FRONT if front else Region.BACK
        plate = next(i for i in plates if made.regions[i] == part)
        corners = made.points[made.starts[plate] : made.starts[plate + 1]]
        np.testing.assert_allclose(np.ptp(corners[:, 0]), 2 * PLATE[0], rtol=0.06)
        inner = corners.mean(axis=0) + 0.7 * (corners - corners.mean(axis=0))
        for shot, pixels in shots(model, front, 3):
            paint(model, vehicle, shot, pixels)
            mask = np.zeros((SIZE, SIZE), np.uint8)
            shape = np.rint(shot.view.project(inner)).astype(np.int32)
            cv2.fillConvexPoly(mask, shape, 1)
            inside = pixels[mask > 0]
            assert inside.shape[0] > 60
            assert np.ptp(inside, axis=0).max() == 0


@pytest.mark.parametrize("number", FAMILY_NUMBERS)
def test_a_body_has_no_holes(number: int) -> None:
    """What is painted is one piece that fills its own outline."""
    model = draw_model(1, number)
    for front in (True, False):
        for shot, _ in shots(model, front, 4):
            first, second = (
                paint(model, PLAIN, shot, np.full((SIZE, SIZE, 3), grey, np.uint8))
                for grey in (0, 255)
            )
            body = np.all(first == second, axis=2).astype(np.uint8)
            assert 0.2 < body.mean() < 0.95
            # Between a mirror's arm and the door light may pass.
            hole, outline = largest_hole(body)
            assert hole < 0.003 * body.size
            assert outline > 0.97 * body.sum()


def test_normals_point_out() -> None:
    for number in range(40):
        body = draw_model(2, number).body
        parts = shell(body)
        middle = np.array([0, body.height / 2, 0])
        if body.cargo:  # the cab is far from the middle
            middle[2] = (body.length - (body.length - body.cargo)) / 2
        for side in (*parts.sides, *parts.flanks, parts.front, parts.panel, parts.roof,
                     parts.screen, parts.window):  # fmt: skip
            outward = ((side.grid - middle) * side.normals).sum(axis=2)
            assert (outward > 0).mean() > 0.98


def test_bodies_have_their_measures() -> None:
    for number in range(60):
        body = draw_model(4, number).body
        points = shell(body).outline
        size = np.ptp(points, axis=0)
        np.testing.assert_allclose(size[2], body.length, atol=0.12)
        height = max(body.height, body.cargo_height)
        np.testing.assert_allclose(points[:, 1].max(), height, atol=0.06)
        low, high = FAMILIES[body.family]["width"]
        assert low <= body.width <= high
        assert body.width - 0.01 <= size[0] <= body.width + 0.1


def test_patch_coordinates() -> None:
    """A quarter of a cylinder: points, normals and metres by its formula."""
    radius, angle = 2.0, V * np.pi / 2
    y, z = radius * np.sin(angle), radius * np.cos(angle)
    on = patch(Region.ROOF, 3 * U, y, z, (0, 1, 1))
    at = on.at([(0.5, 0.5)])[0]
    root = radius / 2**0.5
    np.testing.assert_allclose(at, (1.5, root, root), atol=0.02)
    np.testing.assert_allclose(on.normal_at([(0, 0.5)])[0], (0, 0.5**0.5, 0.5**0.5),
                               atol=0.01)  # fmt: skip
    np.testing.assert_allclose(on.size_at(0.2, 0.3), (3, radius * np.pi / 2), rtol=0.01)
    np.testing.assert_allclose(on.metres(0, 0.5, [(0.3, 0)])[0], (0.1, 0.5), atol=1e-9)


def owners(view: View, mesh: Mesh, order: list[int], by_depth: bool) -> np.ndarray:
    """The part whose surface is seen at each pixel: painted in order, or nearest."""
    depth = np.full((SIZE, SIZE), np.inf)
    found = np.full((SIZE, SIZE), -1, np.int32)
    for i in order:
        shape = mesh.points[mesh.starts[i] : mesh.starts[i + 1]]
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillConvexPoly(mask, np.rint(view.project(shape)).astype(np.int32), 1)
        away = float(view.depth(shape).mean())
        seen = (mask > 0) & (away < depth) if by_depth else mask > 0
        depth[seen], found[seen] = away, mesh.regions[i]
    return found


@pytest.mark.parametrize("number", FAMILY_NUMBERS)
def test_the_nearer_hides_the_farther(number: int) -> None:
    """Painting part by part shows what an independent z buffer shows."""
    model = draw_model(1, number)
    mesh = specimen(model, PLAIN).mesh
    for front in (True, False):
        view = shots(model, front, 1)[0][0].view
        towards = view.position - mesh.centres
        facing = (mesh.normals * towards).sum(axis=1) > 0
        chosen = np.flatnonzero(facing & (mesh.layers == 0))
        ranks = RANKS[front][mesh.regions[chosen]]
        far = np.linalg.norm(towards[chosen], axis=1)
        painted = owners(view, mesh, chosen[np.lexsort((-far, ranks))].tolist(), False)
        nearest = owners(view, mesh, chosen.tolist(), True)
        assert (nearest >= 0).mean() > 0.2
        assert (painted == nearest)[nearest >= 0].mean() > 0.97, front


def test_an_image_depends_on_its_numbers_only() -> None:
    model, vehicle = draw_model(1, 0), draw_vehicle(1, 0)
    first = photograph(model, vehicle, 1, 0, 0, 48)
    photograph(draw_model(1, 3), draw_vehicle(1, 5), 1, 5, 2, 48)
    draw_model.cache_clear()
    draw_vehicle.cache_clear()
    draw_camera.cache_clear()
    specimen.cache_clear()
    again = photograph(draw_model(1, 0), draw_vehicle(1, 0), 1, 0, 0, 48)
    np.testing.assert_array_equal(first, again)
    for other in ((2, 0, 0), (1, 1, 0), (1, 0, 1)):
        changed = photograph(model, vehicle, *other, 48) - first.astype(int)
        assert np.abs(changed).max() > 20


@given(st.integers(0, 2**31), st.integers(0, 30_000), st.integers(0, 200))
def test_streams_differ(seed: int, vehicle: int, image: int) -> None:
    draws = [
        generator(seed, vehicle, image).random(),
        generator(seed, vehicle, image + 1).random(),
        generator(seed, vehicle + 1, image).random(),
        *(generator(seed, vehicle, kind=kind).random() for kind in (1, 2, 3, 4, 5)),
    ]
    assert len(set(draws)) == len(draws)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 100), st.integers(0, 1000))
def test_any_vehicle_can_be_drawn(seed: int, number: int, vehicle: int) -> None:
    model, drawn = draw_model(seed, number), draw_vehicle(seed, vehicle)
    for image in range(2):
        pixels = photograph(model, drawn, seed, vehicle, image, 32)
        assert pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8
        assert pixels.std() > 8


def test_large_images_can_be_drawn() -> None:
    pixels = photograph(draw_model(1, 0), draw_vehicle(1, 0), 1, 0, 0, 1100)
    assert pixels.shape == (1100, 1100, 3)


def test_marks_are_seen_at_64_pixels() -> None:
    """Twins in model, paint, camera and light differ where their marks are."""
    model = draw_model(1, 0)
    white = [v for v in (draw_vehicle(1, n) for n in range(40)) if v.colour == 5][:6]
    twins = [replace(vehicle, paint=white[0].paint) for vehicle in white]

    def images(vehicle: DrawnVehicle) -> list[np.ndarray]:
        return [photograph(model, vehicle, 1, 0, i, 64).astype(float) for i in range(6)]

    first = images(twins[0])
    for twin in twins[1:]:
        changed = [
            np.abs(a - b).mean() for a, b in zip(first, images(twin), strict=True)
        ]
        assert np.mean(changed) > 1
    assert all(
        np.array_equal(a, b) for a, b in zip(first, images(twins[0]), strict=True)
    )


def test_where_vehicles_differ_is_where_their_marks_are() -> None:
    model, vehicle = draw_model(1, 3), draw_vehicle(1, 5)
    image = next(k for k in range(20) if camera_of(1, 5, k).front)
    place = 1, 5, image, 128
    # Paint, glass and plate are no marks.
    other = replace(vehicle, paint=(200, 10, 10), tint=0.9, plate=(0, 0, 0))
    assert not marks_apart(model, vehicle, other, *place).any()
    bare = replace(vehicle, marks=())
    seen = []
    for u in (-0.5, 0.5):
        label = Mark("screen", "square", u, 0.5, 0.12, 0.12, (0, 0, 255), (0, 0, 255))
        marked = replace(bare, marks=(label,))
        there = marks_apart(model, marked, bare, *place)
        assert 0.001 < there.mean() < 0.03
        # From either side: what one has is what the other lacks.
        assert (there == marks_apart(model, bare, marked, *place)).all()
        # In the photograph itself there is red, more than without the mark.
        with_it, without = (
            photograph(model, one, *place).astype(int) for one in (marked, bare)
        )
        redder = (with_it - without)[..., 2] - (with_it - without)[..., 0]
        assert redder[there].mean() > 40 > 5 > abs(redder[~there]).mean()
        seen.append(np.argwhere(there).mean(axis=0))
    assert seen[0][1] + 8 < seen[1][1] or seen[1][1] + 8 < seen[0][1]

"""A vehicle in 3D: its model's body, its marks and load, what is behind its glass."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pydrdl.render.body import add_body, shell
from pydrdl.render.ends import add_back, add_bed, add_cargo, add_front, add_plates
from pydrdl.render.mesh import (
    Builder,
    Colour,
    Mesh,
    Patch,
    Points,
    Region,
    Stuff,
    dense,
    ellipse,
    joined,
    rectangle,
)
from pydrdl.render.model import Body, VehicleModel
from pydrdl.render.painter import Palette, palette, shaded
from pydrdl.render.vehicle import SIDES, DrawnVehicle, Mark, Thing

# Of a load. Each piece: middle u, half width u, near v, far v, height in metres,
# narrower towards its top by a share, which of the two colours (None: steel).
PIECES: dict[str, tuple[tuple[float, float, float, float, float, float, int | None],
                        ...]] = {
    "box": ((0.0, 0.62, 0.25, 0.85, 0.32, 0.2, 0),),
    "bags": ((-0.4, 0.34, 0.25, 0.6, 0.34, 0.35, 0),
             (0.38, 0.38, 0.3, 0.7, 0.26, 0.3, 1),
             (-0.3, 0.36, 0.65, 0.9, 0.24, 0.3, 1)),
    "sign": ((0.0, 0.3, 0.3, 0.42, 0.2, 0.25, 0),
             (0.0, 0.38, 0.29, 0.43, 0.04, 0.0, 1)),
    "rack": ((0.0, 0.86, 0.2, 0.24, 0.1, 0.0, None),
             (0.0, 0.86, 0.75, 0.79, 0.1, 0.0, None),
             (0.35, 0.36, 0.25, 0.72, 0.2, 0.1, 0)),
    "crates": ((-0.45, 0.36, 0.2, 0.5, 0.25, 0.0, 0),
               (0.42, 0.36, 0.2, 0.5, 0.3, 0.0, 1),
               (0.0, 0.6, 0.55, 0.85, 0.22, 0.0, 0)),
}  # fmt: skip


@dataclass(frozen=True)
class Specimen:
    """A vehicle in 3D."""

    mesh: Mesh  # its outside
    behind: dict[Region, Mesh]  # what is behind windscreen and rear window
    colours: Palette  # of all their materials
    outline: Points  # N x 3 that vehicle and load fill


@lru_cache(maxsize=256)
def body_mesh(model: VehicleModel) -> Mesh:
    """Builds what all vehicles of a model have in common."""
    mesh, on = Builder(), shell(model.body)
    add_body(mesh, model, on)
    add_front(mesh, model, on.front)
    if model.body.cargo:
        add_cargo(mesh, model, on.panel)
    else:
        add_back(mesh, model, on)
    if model.body.family == "pick-up":
        add_bed(mesh, on.boot)
    return mesh.build()


@lru_cache(maxsize=256)
def plates_mesh(model: VehicleModel) -> Mesh:
    """Builds a model's two plates."""
    mesh = Builder()
    add_plates(mesh, model, shell(model.body))
    return mesh.build()


@lru_cache(maxsize=16)
def specimen(model: VehicleModel, vehicle: DrawnVehicle) -> Specimen:
    """Builds a vehicle of a model."""
    marking, on = _Marking(model, vehicle), shell(model.body)
    stripes, marks, load = marking.stripes(), marking.marks(), marking.load()
    behind = {
        region: joined([cabin_mesh(model, front), marking.things(front)])
        for region, front in ((Region.SCREEN, True), (Region.WINDOW, False))
    }
    painted = {
        Stuff.LOWER: vehicle.lower, Stuff.TOP: vehicle.top,
        Stuff.BONNET: vehicle.bonnet, Stuff.BUMPER: vehicle.bumper,
        Stuff.MIRROR: vehicle.mirrors,
    }  # fmt: skip
    own = {part: (colour, 0.5) for part, colour in painted.items() if colour}
    own |= {Stuff.PLATE: (vehicle.plate, 0.1), Stuff.CARGO: (vehicle.cargo, 0.2),
            Stuff.GAP: (shaded(vehicle.paint, 0.4), 0.0)}  # fmt: skip
    return Specimen(
        # Stripes lie under lamps and grille, plates over all marks.
        joined([stripes, body_mesh(model), marks, load, plates_mesh(model)]),
        behind,
        palette(own, vehicle.paint, marking.further),
        np.concatenate([on.outline, load.points]),
    )


class _Marking:
    """Puts a vehicle's marks onto its model; collects their colours."""

    def __init__(self, model: VehicleModel, vehicle: DrawnVehicle) -> None:
        self.body, self.vehicle, self.on = model.body, vehicle, shell(model.body)
        self.further: list[tuple[Colour, float]] = []

    def row(self, colour: Colour, gloss: float = 0.15) -> int:
        """Adds a colour of the vehicle's own; returns its row of the palette."""
        self.further.append((shaded(colour, 1.0), gloss))
        return len(Stuff) + len(self.further) - 1

    def stripes(self) -> Mesh:
        """Stripes along the middle and along the sides."""
        mesh, on, vehicle = Builder(), self.on, self.vehicle
        if vehicle.stripe is not None:
            u, half, colour, doubled = vehicle.stripe
            row = self.row(colour, 0.4)
            boot = () if self.body.family == "pick-up" else (on.boot,)
            for part in (on.roof, on.bonnet, on.front, *boot, on.panel):
                share = half / float(part.size_at(u, 0.5)[0])
                for middle in (u - 1.3 * share, u + 1.3 * share) if doubled else (u,):
                    low = 0.36 if part.region in (Region.FRONT, Region.BACK) else 0.0
                    bar = _bar(middle - share, middle + share, low, 1)
                    mesh.decal(part, row, dense(bar, 6))
        if vehicle.side_stripe is not None:
            row = self.row(vehicle.side_stripe, 0.4)
            for part in on.sides:
                bar = _bar(-0.97, 0.97, 0.55, 0.7)
                mesh.decal(part, row, dense(bar, 8))
            if self.body.family in ("bus", "van", "truck"):  # around the corners
                corner = dense(_bar(-0.98, 0.98, 0.78, 0.92), 8)
                mesh.decal(on.front, row, corner)
                mesh.decal(on.panel, row, corner)
        return mesh.build()

    def marks(self) -> Mesh:
        """Sun strip, stickers and damage, ribbons, the spare wheel's cover."""
        mesh, vehicle, body = Builder(), self.vehicle, self.body
        if vehicle.sun_strip is not None:
            strip = dense([(-0.9, 0.84), (0.9, 0.84), (0.89, 0.93), (-0.89, 0.93)])
            row = self.row(shaded(vehicle.sun_strip, 0.8))
            mesh.decal(self.on.screen, row, strip)
        for mark in vehicle.marks:
            part = self._part(mark)
            if part is not None:
                self._add_mark(mesh, mark, part)
        if vehicle.ribbons is not None:  # strips of cloth tied to the outer mirrors
            row = self.row(vehicle.ribbons)
            y = body.cowl + (0.5 if body.big else 0.08)
            z = body.length / 2 - body.bonnet - (0.0 if body.big else 0.14)
            for side in SIDES:
                x = side * (body.width / 2 * body.waist + 0.13)
                mesh.add(Region.MIRROR, row, _at(rectangle(x, y - 0.06, 0.05, 0.16), z))
        if vehicle.cover is not None and body.family == "suv":
            discs = ((int(Stuff.RUBBER), 0.33), (self.row(vehicle.cover), 0.27))
            for row, radius in discs:
                circle = ellipse(0, 0, radius, radius, 18)
                disc = self.on.back.metres(0.0, 0.72, circle)
                disc = np.clip(disc, (-1, 0), (1, 1))
                mesh.decal(self.on.back, row, disc)
        return mesh.build()

    def _part(self, mark: Mark) -> Patch | None:
        """Where a mark is; None where the model has no such surface."""
        on, body = self.on, self.body
        surfaces = {
            "screen": on.screen, "front": on.front, "back": on.panel,
            "bonnet": on.bonnet if body.bonnet > 0.3 else None,
            # A truck's box takes what others have on rear window and lid.
            "window": on.panel if body.cargo else on.window,
        }  # fmt: skip
        return surfaces[mark.where]

    def _add_mark(self, mesh: Builder, mark: Mark, on: Patch) -> None:
        w, h = mark.half_width, mark.half_height
        if self.body.big:  # larger sheets on larger glass
            w, h = 1.5 * w, 1.5 * h

        def decal(row: int, shape: Points) -> None:
            mesh.decal(on, row, on.metres(mark.u, mark.v, shape))

        if mark.kind == "scratch":
            row = self.row(mark.colour)
            for shift in (-0.05, 0.0, 0.04):
                stroke = on.metres(mark.u, mark.v, [(-w, shift - h), (w, shift + h)])
                mesh.stroke(on, row, stroke, 0.014)
        elif mark.kind == "dent":
            paint = self.vehicle.paint
            decal(self.row(shaded(paint, 0.6)), ellipse(0, 0, w, h))
            lit = self.row(shaded(paint, 1.08), 0.4)
            decal(lit, ellipse(0, 0.3 * h, 0.8 * w, 0.5 * h))
        else:
            disc = mark.kind == "disc"
            decal(self.row(mark.colour), (ellipse if disc else rectangle)(0, 0, w, h))
            inner = {
                "label": rectangle(0, 0.25 * h, 0.62 * w, 0.35 * h),
                "disc": ellipse(0, 0, 0.5 * w, 0.5 * h),
                "letters": rectangle(0, 0, 0.8 * w, 0.3 * h),
            }
            if mark.kind in inner:
                decal(self.row(mark.second), inner[mark.kind])

    def load(self) -> Mesh:
        """What lies on the roof, or in a pick-up's bed."""
        mesh, vehicle = Builder(), self.vehicle
        if vehicle.load is None:
            return mesh.build()
        rows = [self.row(colour) for colour in vehicle.load_colours]
        on, region = self.on.roof, Region.LOAD
        if vehicle.load == "ladder":
            rails = [[(u, 0.0), (u, 1.0)] for u in (-0.45, 0.15)]
            steps = [[(-0.45, v), (0.15, v)] for v in np.linspace(0.08, 0.92, 5)]
            up = np.array([0, 0.14, 0])
            for ends in rails + steps:
                mesh.line(region, rows[0], on.at(ends) + up, 0.06)
            return mesh.build()
        if self.body.family == "pick-up" and vehicle.load in ("crates", "bags", "box"):
            on, region = self.on.boot, Region.BED
        for u, half, near, far, height, shrink, which in PIECES[vehicle.load]:
            corners = on.at([(u - half, near), (u + half, far), (u + half, near)])
            (x0, _, z0), (x1, _, z1) = corners.min(axis=0), corners.max(axis=0)
            material = Stuff.STEEL if which is None else rows[which]
            y = float(corners[:, 1].mean()) - 0.02
            mesh.box(region, material, (x0, y, z0), (x1, y + height, z1), shrink)
        return mesh.build()

    def things(self, front: bool) -> Mesh:
        """What lies on dashboard (or parcel shelf) and hangs from the mirror."""
        mesh, on = Builder(), self.on.screen if front else self.on.window
        region = Region.SCREEN if front else Region.WINDOW
        scale = 1.5 if self.body.big else 1.0
        for thing in self.vehicle.things:
            if thing.front == front:
                self._add_thing(mesh, thing, region, on, scale)
        if not front:
            return mesh.build()
        x, y, z = (on.at([(0.0, 0.9)])[0] - (0, 0, 0.1)).tolist()
        mesh.add(region, Stuff.TRIM, _at(rectangle(x, y, 0.12, 0.035), z))
        if self.vehicle.ornament is not None:
            length, radius, colour = self.vehicle.ornament
            row = self.row(shaded(colour, 1.15))
            radius, length = scale * radius, scale * length
            mesh.line(region, row, [(x, y, z), (x, y - length, z)], 0.02)
            bob = ellipse(x, y - length - radius, radius, 1.4 * radius, 10)
            mesh.add(region, row, _at(bob, z))
        return mesh.build()

    def _add_thing(
        self, mesh: Builder, thing: Thing, region: Region, on: Patch, scale: float
    ) -> None:
        behind = (0, 0, thing.depth if thing.front else -thing.depth)
        x, y, z = (on.at([(thing.u, 0.03)])[0] - behind).tolist()
        row = self.row(shaded(thing.colour, 1.15))
        half = scale * thing.size / 2
        if thing.kind == "box":
            shape = rectangle(x, y + 0.6 * half, 1.3 * half, 0.6 * half)
        else:
            shape = ellipse(x, y + half, 0.9 * half, half, 10)
        mesh.add(region, row, _at(shape, z))
        if thing.kind == "toy":
            head = ellipse(x, y + 2.3 * half, 0.6 * half, 0.55 * half, 10)
            mesh.add(region, row, _at(head, z))


def _bar(left: float, right: float, low: float, high: float) -> list[list[float]]:
    return [[left, low], [right, low], [right, high], [left, high]]


def _at(shape: Points, z: float) -> Points:
    """A shape of x and y, N x 2, at one z."""
    return np.column_stack([shape, np.full(len(shape), z)])


@lru_cache(maxsize=256)
def cabin_mesh(model: VehicleModel, front: bool) -> Mesh:
    """What is seen through the windscreen (or the rear window), far to near."""
    mesh, body = Builder(), model.body
    on = shell(body)
    glass, through = (on.screen, on.window) if front else (on.window, on.screen)
    region, sign = (Region.SCREEN, 1) if front else (Region.WINDOW, -1)
    if not body.cargo:  # daylight from the other end
        pane = [(-0.85, 0.1), (0.85, 0.1), (0.82, 0.9), (-0.82, 0.9)]
        mesh.add(region, Stuff.STEEL, through.at(pane))
    foot = glass.at([(0, 0)])[0]
    half = body.width / 2 * body.waist
    low, top = foot[1] - 0.15, min(foot[1] + 0.42, body.height - 0.2)
    if front or body.family not in ("van", "bus"):
        z = foot[2] - sign * (body.screen + 0.25 if front else body.window + 0.1)
        for x in (-0.45 * half, 0.45 * half):
            for wide, narrow, y0, y1 in (
                (0.24, 0.2, low, top - 0.17), (0.13, 0.11, top - 0.17, top)
            ):  # fmt: skip
                seat = [(x - wide, y0, z), (x + wide, y0, z), (x + narrow, y1, z),
                        (x - narrow, y1, z)]  # fmt: skip
                mesh.add(region, Stuff.SEAT, seat)
    if front:
        _add_driver(mesh, foot, body, 0.45 * half)
    far = foot[2] - sign * (0.45 if front else 0.35)
    shelf = [(-half, foot[1] - 0.02, far), (half, foot[1] - 0.02, far),
             (half, foot[1], foot[2]), (-half, foot[1], foot[2])]  # fmt: skip
    mesh.add(region, Stuff.DASH, shelf)
    return mesh.build()


def _add_driver(mesh: Builder, foot: Points, body: Body, x: float) -> None:
    """A driver on the left and the steering wheel; not tied to the vehicle."""
    y, z = foot[1], foot[2] - body.screen - 0.1
    chest = [(x - 0.22, y - 0.2, z), (x + 0.22, y - 0.2, z), (x + 0.17, y + 0.12, z),
             (x - 0.17, y + 0.12, z)]  # fmt: skip
    mesh.add(Region.SCREEN, Stuff.SHIRT, chest)
    face = ellipse(x, y + 0.25, 0.09, 0.13)
    mesh.add(Region.SCREEN, Stuff.SKIN, _at(face, z + 0.02))
    ring = _at(ellipse(x, y - 0.03, 0.18, 0.15), z + 0.35)
    mesh.line(Region.SCREEN, Stuff.TRIM, np.concatenate([ring, ring[:1]]), 0.03)

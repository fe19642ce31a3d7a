"""What the documents' running text says in numbers, docs/results.md apart."""

from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from sentences import Said, in_words
from sentences_of_fine_tuning import better_margin, fine_tuning
from sentences_of_paper_net import paper_net
from sentences_of_results import faster, in_order, margins, results, wider
from sentences_of_two_camera import in_short, two_camera
from tables_of_results import named

from pydrdl import paper
from pydrdl.commands import evaluate, features
from pydrdl.nets.structures import DEMO, VGG_CNN_M_1024, Schedule, Training
from pydrdl.render import compcars
from pydrdl.render import vehicleid as fleets
from pydrdl.render.photo import ACROSS, CITY
from pydrdl.render.scene import draw_camera
from pydrdl.render.vehicle import CAR_PAINTS
from pydrdl.reproduce.setting import demo
from pydrdl.table import rate

__all__ = [
    "TYPED", "choices", "fine_tuning", "layers", "paper_net", "readme", "rendered",
    "results", "two_camera", "vehicleid",
]  # fmt: skip

Content = dict[str, Any]
TRAINING = Training("", "", 0)

# Phrases whose numbers no results and no code hold: names, versions, what another's
# data is, what was read off a log that is not kept.
TYPED: Mapping[str, tuple[str, ...]] = {
    "README.md": (
        "CVPR 2016", "On Debian 12,",
        "BSD 2-Clause",
    ),
    "docs/vehicleid.md": (
        "and exits with 1 where training would go wrong", "(at most 4;",
    ),
    "docs/layers.md": (),
    "docs/results.md": (
        "falls from about 5 to between 1.5 and 2.4",
        "This page had a table near chance before, from 60 car models",
        "at 0.1 its loss is about 2.8 at the end",
    ),
    "docs/fine_tuning.md": (),
    "docs/paper_net.md": (
        "The first training was stopped after 24 iterations and the second after 87, "
        "by SIGTERM",
        "its snapshot of iteration 60 without a stop: at 80, before the stop, and at "
        "100, behind it, all nine outputs are the same digits.",
    ),
    "docs/two_camera.md": (
        "Real photographs: 507 vehicles, two cameras",
        "1,014 photographs of 507 vehicles (322 motorcycles, 125 cars, 56 trucks, 4 "
        "buses)", "commit 3d129a2, Apache License 2.0)",
        "camera 2's photographs are the probes, camera 1's the gallery",
    ),
    "docs/choices.md": (
        "(CVPR 2015)", "Chen et al. 2012", 'text: "fc8" has 1024 outputs; figure: '
        "2048, then 1024", "VGG_CNN_M_1024 (Sec. 3.3), VGG_CNN_M_2048 (Sec. 5)",
        "(which lie 0 to 4 apart)", "10-fold and test-optimal beside it",
        "max{6, N - 1} of N images", "min(6, N - 1)",
    ),
    "docs/rendered.md": (
        "a body in 3D", "(4 and 5)", "counted from 1.", "CompCars' viewpoint 3,",
        "(viewpoints 1 and 2, front and rear)", "In 0.1.0 it was photographed",
        "228 models, up to 331 of one",  # of the release's attribute lists
    ),
}  # fmt: skip


def readme(
    shown: Content, reproduced: Content, tuned: Content, free: Content, real: Content
) -> Iterator[Said]:
    """Of README.md, from demo.json, results.json, results_larger.json, two_camera_*."""
    net = shown["results"]["mixed_difference"][0]
    chosen = demo(Path(), Path())
    fleet = fleets.draw_fleet(fleets.PRESETS["demo"])
    drawn = sum(int(fleet.counts[v]) for v in fleet.lists["train"])
    theirs = paper.TABLE_1["training"].images
    yield Said(
        f"trains VGG_CNN_M_1024, pretrained on ImageNet, on {theirs:,} photographs; "
        f"the demo trains a net of {DEMO.crop} x {DEMO.crop} pixels from random "
        f"weights on {drawn:,} drawings, for {chosen.iterations} iterations, and "
        f"searches {net['gallery']} other drawn vehicles."
    )
    yield Said(
        f"over {in_words(len(net['rates']['1']))} random galleries; chance at rank 1 "
        f"is {rate(1 / net['gallery'])}.)"
    )
    rows = named(reproduced, "Table 6").rows
    trainings = in_words(len(next(iter(rows.values()))[0].values))
    yield Said(
        f"All {in_words(len(rows))} methods, {trainings} trainings each, on "
        f"{in_words(len(reproduced['splits']))} test sizes"
    )
    yield Said(
        "The paper's order holds there, triplet loss, then coupled clusters loss, then "
        "mixed difference with it, and coupled clusters loss converges faster.",
        in_order(reproduced) and faster(reproduced),
    )
    yield Said("it holds with wider gaps", wider(tuned, reproduced))
    yield in_short(free, real)


def vehicleid() -> Iterator[Said]:
    """Of docs/vehicleid.md, from the code."""
    released = " / ".join(f"{s.images:,}" for s in paper.RELEASED_SPLITS)
    printed = " / ".join(f"{s.images:,}" for s in paper.TEST_SPLITS)
    yield Said(f"({released} images against {printed})")


def layers() -> Iterator[Said]:
    """Of docs/layers.md, from the code."""
    yield Said(
        f"batches of sets ({TRAINING.positives} images of one vehicle + "
        f"{TRAINING.negatives} of others)"
    )


def choices(ablated: Content, tuned: Content) -> Iterator[Said]:
    """Of docs/choices.md: results_ablations and _larger_ablations.json, and code."""
    net, plan = VGG_CNN_M_1024, Schedule()
    margin, both = f"{TRAINING.margin:g}", 2 * net.fc7
    yield Said(f"| {margin}, in squared distance between unit vectors")
    yield Said(
        "| 0.5 is worse for CCL; 2 is level or a little lower for it, and worse for "
        f"triplet loss, which does not tell 0.5 from {margin}.",
        margins(ablated),
    )
    yield Said(
        "(fine_tuning.md#what-the-paper-leaves-open) 2 is worse for all, and 0.5 no "
        "worse for any |",
        better_margin(tuned),
    )
    yield Said(f"| The {both} box of Fig. 6 |")
    yield Said(
        f"the concatenation is the {both}; one inner product `fc8_mixed` to {net.fc7} "
        "follows"
    )
    yield Said(f"an inner product of {both} between")
    yield Said(f"| {net.fc7} | `Backbone.fc7` |")
    means = ", ".join(f"{mean:g}" for mean in net.mean)
    yield Said(
        f"{net.crop} from {net.resize} at random, mirrored at random, channel means "
        f"{means}"
    )
    yield Said(f"Vehicles with fewer than {TRAINING.positives} images")
    yield Said(f"{in_words(TRAINING.negatives)} distinct other vehicles")
    yield Said(
        f"{plan.max_iter:,} iterations, "
        f"{in_words(plan.max_iter / plan.stepsize)} steps of the learning rate"
    )
    repeats = _default(evaluate.eval_map, "repeats")
    yield Said(f"| Repeats of retrieval | not said | {repeats}, as in Sec. 5.3 |")
    batch = TRAINING.sets * (TRAINING.positives + TRAINING.negatives)
    yield Said(
        f"as Sec. 3.4: {batch} images a batch, {plan.base_lr:g} times {plan.gamma:g} "
        f"every {plan.stepsize:,} iterations"
    )
    yield Said(
        "Small nets with random weights and batch normalisation: "
        f"{demo(Path(), Path()).classifier_rate:g} times {plan.gamma:g}, since at "
        f"{plan.base_lr:g} they learn little"
    )
    yield Said(f"{_default(features.svm, 'components')} dimensions at most")
    yield Said(f"with small layers, for {DEMO.crop} x {DEMO.crop} pixels.")
    yield Said("stands at 5/2 of the margin", TRAINING.positives == 5)


def _default(command: Callable[..., object], option: str) -> object:
    return signature(command).parameters[option].default


def rendered(shown: Content, levels: Content) -> Iterator[Said]:
    """Of docs/rendered.md, from rendered.json, rendered_compcars.json and the code."""
    gallery, pairs = shown["gallery"], shown["pairs_of_model_and_colour"]
    fleet_plan = fleets.PRESETS["paper"]
    fleet = fleets.draw_fleet(fleet_plan)
    train, test = paper.TABLE_1["training"], paper.TABLE_1["testing"]
    lists = [f"{split.images:,}" for split in paper.TEST_SPLITS]
    fronts = sum(draw_camera(fleet_plan.seed, number).front for number in range(CITY))
    labelled = np.bincount(fleet.models[fleet.labelled])
    yield Said(f"**An image** is one of {CITY} cameras above a road")
    yield Said(f"{fronts} see fronts, {CITY - fronts} backs)")
    yield Said(
        f"at least {fleets.LEAST}, {fleets.PRESETS['demo'].images:g} in the mean"
    )
    yield Said(f"where {paper.RELEASED_LABELLED_VEHICLES:,} labelled vehicles are of")
    yield Said(
        f"Preset `paper`, seed {fleet_plan.seed}: {np.count_nonzero(labelled)} models, "
        f"up to {labelled.max()}."
    )
    yield Said(
        f"{paper.LABELLED_VEHICLES:,} of {paper.VEHICLES:,} vehicles have a model label"
    )
    yield Said(
        f"meets Tables 1 and 2 exactly: {train.images:,} images of {train.vehicles:,} "
        f"vehicles to train with, {test.images:,} of {test.vehicles:,} to test with, "
        f"{train.labelled:,} and {test.labelled:,} of them labelled; lists of "
        f"{', '.join(lists[:-1])} and {lists[-1]} images"
    )
    yield Said(
        f"the demo's {gallery} test vehicles, by the protocol of Sec. 5.3 "
        f"({shown['probes']:,} probes, mean over ten random galleries; chance at rank "
        f"1 is {rate(shown['chance'])}):"
    )
    yield Said(f"{pairs} pairs of model and colour for {gallery} vehicles.")
    low, high = ACROSS
    yield Said(f"one of {len(CAR_PAINTS)} paints")
    yield Said(f"One of another city's {CITY} cameras takes it")
    yield Said(f"from a corner, {low:g} to {high:g} degrees aside")
    yield Said("three images of four show the front", 4 * fronts == 3 * CITY)
    least = compcars.LEAST
    yield Said(
        f"at least {least[0]} in part I, whose halves train and test, {least[1]} in "
        f"part II and {least[2]} in part III."
    )
    sets = len(levels["plan"]["seeds"])
    yield Said(
        f"(area under the ROC, mean over {in_words(sets)} data sets of preset demo; "
        "chance is .5):"
    )
    yield Said(
        "For the third, the levels stand in their order in each of the "
        f"{in_words(sets)}; plain gradients tell easy pairs and see little of a make.",
        all(
            easy > medium > hard
            for easy, medium, hard in zip(
                *(of["each"] for of in levels["auc"]["gradients, LDA"].values()),
                strict=True,
            )
        ),
    )

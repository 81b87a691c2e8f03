"""A good call of every public function of course_lib.plots that draws what it is given, by module and name."""

import torch
from calls import call

from course_lib import runtime
from course_lib.models.probability.mixtures import GaussianMixture
from course_lib.plots import (
    applications,
    architectures,
    autoregression,
    blocks,
    conditional,
    critics,
    diagrams,
    diffusion,
    energies,
    evaluation,
    figures,
    flows,
    games,
    image_games,
    images,
    latent,
    letters,
    mixtures,
    networks,
    probability,
    questions,
    receptive,
    scoreboard,
    scores,
    sequences,
    translations,
)  # fmt: skip

W = {"title": "t", "alt": "a"}
X = torch.linspace(-1, 1, 5)
BELL, PLANE, GRID = torch.exp(-X.square()), torch.rand(6, 2), torch.rand(4, 4)
PICTURES, FIELD = torch.rand(4, 1, 4, 4), torch.rand(4, 4) > 0.5
TWO, ROWS = {"a": torch.tensor([0.7, 0.3]), "b": torch.tensor([0.2, 0.8])}, {"a": [1.0, 2.0, 4.0], "b": [2.0, 3.0, 3.5]}
CURVES, RUNS = {"a": [3.0, 2.0], "b": [3.0, 2.5]}, {"a": ([1, 2], [3.0, 2.0], [0.5, 0.9])}
REAL = {"fid": 2.0, "percent_recognised": 99.0, "within_class_variance": 150.0}
MEASURED = {"fid": [9.0, 4.0], "percent_recognised": [10.0, 95.0], "within_class_variance": [400.0, 150.0]}
MIXTURE = (torch.zeros(2, 2), torch.eye(2).expand(2, 2, 2), torch.full((6, 2), 0.5))
SQUARE = torch.tensor([[0.0, 0.0], [1, 0], [1, 1], [0, 1]])


def a_mixture():
    return GaussianMixture(event_shape=(2,), components=2).start(PLANE, generator=runtime.generator(0))


def bell(x):
    return -x.square().sum(-1) / 2


def joint(x):
    return torch.stack([bell(x), bell(x - 1)], 1)


CALLS = {
    "applications.marks": call(applications.marks, rows={"one": {"a": [1.0, 2.0, 3.0]}}, chance=0.5, xlabel="x", **W),
    "applications.nats_by_pixel": call(
        applications.nats_by_pixel, images=PICTURES[:2], nats=[("m", torch.rand(2, 4, 4))], names=["a", "b"], **W
    ),
    "applications.fading": call(applications.fading, curves=CURVES, expected={"a": [1.0, 0.5]}, ylabel="y", **W),
    "architectures.unrolled_rnn": call(architectures.unrolled_rnn, steps=3),
    "architectures.nested_levels": call(architectures.nested_levels, segments=2, symbols=2),
    "architectures.nade": call(architectures.nade, variables=4),
    "architectures.masked_network": call(architectures.masked_network, variables=4),
    "autoregression.series_parts": call(
        autoregression.series_parts,
        years=X,
        values=BELL,
        unit="u",
        parts={"a": slice(0, 2), "b": slice(1, 4), "c": slice(3, None)},
        **W,
    ),
    "autoregression.futures": call(
        autoregression.futures, known=(X, BELL), years=X + 3, drawn=torch.rand(3, 5), mean=BELL, unit="u", **W
    ),
    "autoregression.weights_around": call(
        autoregression.weights_around, weights=torch.rand(4, 4, 4, 4), pixels=[(1, 1), (2, 2)], reach=1, **W
    ),
    "blocks.diagram": call(
        blocks.diagram,
        nodes={"a": blocks.Node(0.0, 0.0, "a", blocks.SEEN), "b": blocks.Node(2.0, 0.0, "b", blocks.LAYER)},
        arrows=[blocks.Arrow("a", "b")],
        margin=0.25,
        **W,
    ),
    "conditional.unet": call(
        conditional.unet, shapes=["1 × 8 × 8", "2 × 4 × 4", "4 × 2 × 2"], inputs="x", output="y", noise="z", **W
    ),
    "conditional.tosses": call(
        conditional.tosses, weights=[0.0, 1.0, 2.0], resting={1: [0.3, 0.2, 0.1]}, measured={1: [0.2]}, at=1.0, due=0.3
    ),
    "conditional.asked_points": call(conditional.asked_points, panels={"a": torch.rand(3, 4, 2)}, reach=1.6),
    "critics.clipping": call(critics.clipping, weights=X, clip=1.0, slopes=CURVES, **W),
    "critics.beside_transport": call(
        critics.beside_transport, settings={"a": ([1, 2], torch.rand(2, 2).numpy(), torch.rand(2, 2).numpy())}, **W
    ),
    "diagrams.factorisation": call(diagrams.factorisation, parents={"a": [], "b": ["a"]}, **W),
    "diagrams.tree": call(diagrams.tree, rows=[(0, "a"), (1, "b")], **W),
    "diffusion.clouds": call(diffusion.clouds, panels={"a": PLANE}, points=PLANE, paths={"a": torch.rand(3, 2, 2)}, **W),
    "diffusion.by_evaluations": call(
        diffusion.by_evaluations, rows={"Euler": {"evaluations": [1, 2], **MEASURED}}, real=REAL, **W
    ),
    "diffusion.guidance": call(diffusion.guidance, row={"dial": [0, 1], **MEASURED}, real=REAL, **W),
    "diffusion.bells": call(diffusion.bells, gaussians={"a": (1.0, 0.5)}, **W),
    "energies.machine": call(energies.machine, visible="x", hidden="h", units=(3, 2), **W),
    "energies.likelihood_and_error": call(energies.likelihood_and_error, runs=RUNS, xlabel="x", **W),
    "energies.seeds": call(energies.seeds, runs={"a": [[1.0, 2.0], [3.0, 6.0]]}, steps=[0, 10], xlabel="x", ylabel="y", **W),
    "energies.jacobians": call(energies.jacobians, found={"a": GRID, "b": GRID + GRID.T}, **W),
    "energies.survival": call(energies.survival, shares={"a": [1.0, 0.5]}, steps=[0, 10], **W),
    "evaluation.Line": call(evaluation.over_counts, lines={"a": evaluation.Line((100, 200), (12.0, 7.0), 2.0, 1_000.0)}, **W),
    "evaluation.over_counts": call(
        evaluation.over_counts, lines={"a": evaluation.Line((100, 200), (12.0, 7.0), 2.0, 1_000.0)}, **W
    ),
    "evaluation.changes": call(evaluation.changes, pictures=PICTURES[:2], scores={"far": 9.0, "near": 1.5}, **W),
    "evaluation.two_scores": call(
        evaluation.two_scores, rows=[evaluation.Scored("p", 1.0, 90.0, "exact")], xlabel="x", ylabel="y", size=(5.0, 3.0), **W
    ),
    "figures.figure": call(figures.figure, title="t", rows=1, columns=2),
    "figures.show_images": call(figures.show_images, images=PICTURES, columns=2, inches=0.7, none=("columns",), **W),
    "figures.curves": call(
        figures.curves, series=CURVES, x=[1.0, 2.0], title="t", xlabel="x", ylabel="y", none=("x",), stays=("series", "x")
    ),
    "figures.density": call(figures.density, log_prob=bell, spans=[(-1.0, 1.0)], data=X, points=20, title="t", none=("data",)),
    "flows.equal_masses": call(flows.equal_masses, x=X, z=X, p_x=BELL, p_z=BELL, pieces={"a": (0, 2), "b": (2, 4)}, **W),
    "flows.areas": call(flows.areas, bend=torch.sin, square=SQUARE, image=SQUARE, reach=1.0, names=("x", "z"), **W),
    "flows.landscapes": call(flows.landscapes, densities={"a": GRID}, reach=1.0, points=PLANE, none=("points",), **W),
    "games.moves": call(games.moves, x=X, real=BELL, turns={"first": (BELL, BELL)}, **W),
    "games.clouds": call(games.clouds, sets={"a": PLANE}, centres=PLANE, **W),
    "games.every_seed": call(games.every_seed, rows={"a": {"x": [1.0, 2.0]}}, marks={"x": (0.9, "w")}, limits={"x": (0, 5)}, **W),
    "games.over_time": call(games.over_time, runs=RUNS, labels=("loss", "modes"), **W),
    "image_games.strips": call(image_games.strips, rows=ROWS, xlabel="x", first="a", **W),
    "image_games.two_clocks": call(image_games.two_clocks, runs=RUNS, ylabel="y", labels=("s", "n"), **W),
    "image_games.slopes_at": call(image_games.slopes_at, trained=[1, 10], slopes=CURVES, xlabel="x", ylabel="y", **W),
    "images.as_uint8": call(images.as_uint8, picture=GRID),
    "images.to_image": call(images.to_image, picture=GRID, scale=2, unknown=FIELD, strength=0.5, none=("unknown",)),
    "images.png_bytes": call(images.png_bytes, picture=GRID),
    "images.square": call(images.square, images=PICTURES),
    "images.tile": call(images.tile, images=PICTURES, columns=2, gap=1, shade=128, none=("columns",)),
    "latent.on_the_line": call(
        latent.on_the_line, z=X, densities={"a": BELL, "b": BELL, "c": BELL}, bound=-2.2, evidence=-2.0, **W
    ),
    "latent.decoded_plane": call(latent.decoded_plane, pictures=PICTURES, span=(-1.0, 1.0), **W),
    "latent.aggregate": call(latent.aggregate, z=torch.cartesian_prod(X, X).view(5, 5, 2), density=torch.rand(5, 5), **W),
    "latent.nats_by_latent": call(latent.nats_by_latent, kl=BELL, limit=0.1, **W),
    "latent.shares_of_information": call(latent.shares_of_information, shares={"a": torch.rand(2, 2)}, factors=["p", "q"], **W),
    "latent.by_beta": call(latent.by_beta, scores={1: (BELL, BELL, BELL)}, **W),
    "latent.levels_by_setting": call(latent.levels_by_setting, costs={"a": X[:2]}, nats={"a": torch.rand(2, 3)}, **W),
    "latent.codebook_use": call(latent.codebook_use, used={"a": torch.tensor([0.2, 0.8])}, **W),
    "letters.transition_table": call(letters.transition_table, table=torch.rand(2, 2), names=["a", "b"], **W),
    "letters.emissions": call(letters.emissions, rows=TWO, names=["a", "b"], **W),
    "letters.nats_by_states": call(letters.nats_by_states, starts={2: [3.0, 2.0], 4: [1.0, 1.5]}, lines={"2-gram": 2.25}, **W),
    "mixtures.components": call(mixtures.components, x=PLANE, mixture=MIXTURE, **W),
    "mixtures.em_frames": call(
        lambda x, after: mixtures.em_frames(x, a_mixture(), after, labels=("a", "b"), **W), x=PLANE, after=(0, 1)
    ),
    "networks.networks": call(networks.networks, rows={"up": ["z", "*dense", "x"]}, **W),
    "probability.paired_bars": call(probability.paired_bars, rows=TWO, names=["a", "b"], xlabel="x", ylabel="y", **W),
    "questions.three_distributions": call(
        questions.three_distributions,
        log_joint=joint,
        spans=[(-1.0, 1.0), (-1.0, 1.0)],
        x=PLANE,
        y=torch.tensor([0, 1, 0, 1, 1, 0]),
        **W,
    ),
    "questions.accuracies": call(
        questions.accuracies, sizes=[10, 100], found={"d": dict.fromkeys(("one", "two"), torch.rand(3, 2))}, **W
    ),
    "questions.scores_by_kind": call(questions.scores_by_kind, scores={"a": X, "b": BELL}, mark=-1.0, mark_name="m", **W),
    "receptive.what_is_seen": call(receptive.what_is_seen, fields={"a": FIELD}, pixel=(2, 2), **W),
    "receptive.influences": call(receptive.influences, moved={"a": GRID, "b": GRID}, fields={"a": FIELD, "b": FIELD}, **W),
    "receptive.ink_by_row": call(receptive.ink_by_row, ink={"a": BELL[:3], "b": BELL[:3]}, rows=range(5, 8), **W),
    "receptive.numbered_neighbours": call(receptive.numbered_neighbours, places=[(0, -1), (-1, 0)], **W),
    "scoreboard.likelihood_ranges": call(
        scoreboard.likelihood_ranges, readings=[("one", "exact", 80.0, 0.5, None)], told=True, ends=(70.0, 90.0), **W
    ),
    "scores.lattice": call(scores.lattice, reach=1.0, count=3),
    "scores.fields": call(scores.fields, panels={"a": (GRID, torch.rand(9, 2))}, reach=1.0, longest=3.0, **W),
    "scores.compared": call(
        lambda **given: scores.compared(exact=torch.sin, found=torch.cos, **given, **W), colours=GRID, reach=1.0, longest=3.0
    ),
    "scores.bias": call(scores.bias, steps=[0.5, 1.0], measured=[1.1, 1.3], ends={"A": X}, **W),
    "scores.clouds": call(scores.clouds, draws={"A": PLANE}, mean=X[:2], covariance=torch.eye(2), names=("a", "b"), **W),
    "scores.shares": call(scores.shares, found=ROWS, truth=0.8, xlabel="x", **W),
    "scores.deep_energy": call(scores.deep_energy, values=784, hidden=100),
    "sequences.losses_and_norms": call(sequences.losses_and_norms, losses={"a": [[3.0, 2.0]]}, norms={"a": [[1.0, 2.0]]}, **W),
    "sequences.memory_gains": call(sequences.memory_gains, network={0: 3.0, 4: 1.4}, tables={0: 3.1, 4: 1.3}, **W),
    "translations.named_rows": call(translations.named_rows, rows={"a": PICTURES}, inches=0.8, **W),
    "translations.labelled_points": call(translations.labelled_points, panels={"a": [(PLANE, PLANE[:, 0])]}, reach=1.7, **W),
    "translations.message": call(translations.message, change=GRID, **W),
}

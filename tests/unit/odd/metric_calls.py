"""A good call of every public function of course_lib.metrics, by module and name."""

import torch
from calls import call

from course_lib import runtime
from course_lib.metrics import (
    classification,
    comparison,
    coverage,
    detection,
    disentanglement,
    divergence,
    diversity,
    features,
    frechet,
    front,
    intervals,
    kernel,
    likelihood,
    memorisation,
    neighbours,
    packing,
    pairings,
    partition,
    probes,
    ranks,
    reconstruction,
    regression,
    translation,
    transport,
)  # fmt: skip
from course_lib.models.autoregressive import FVSBN
from course_lib.models.classifier import FeatureClassifier
from course_lib.models.energy.rbm import RBM
from course_lib.models.latent import VAE, Autoencoder
from course_lib.models.sequence import NGram

runtime.seed(0)
G = {"generator": runtime.generator(0)}
ROW, OTHER = torch.tensor([1.0, 4.0, 2.0, 3.0, 6.0]), torch.tensor([2.0, 5.0, 0.0, 7.0, 1.0, 3.0])
ROWS = torch.tensor([[0.0, 1], [2, 0], [1, 3], [4, 2], [3, 3], [5, 1]])
MORE = torch.tensor([[1.0, 1], [2, 2], [0, 3], [4, 4], [6, 3], [5, 0], [7, 2]])
LABELS = torch.tensor([0, 1, 0, 1, 1, 0])
BITS = torch.tensor([[0.0, 1, 1], [1, 1, 0], [0, 0, 1], [1, 0, 0]])
IMAGES, DIGITS = torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 2])
COUNTS = torch.tensor([[0, 1], [1, 1], [2, 0], [0, 0]])
MAPS = torch.tensor([[0, 1, 2], [1, 2, 0]])
THREE, THREE_MORE = ROWS[:3], MORE[:3]
JUDGE, EXPLICIT = FeatureClassifier(event_shape=(1, 8, 8)).eval(), FVSBN(event_shape=(3,))
CODE = Autoencoder(event_shape=(3,), latent=2, widths=(4,)).eval()
HIDDEN = VAE(event_shape=(3,), latent=2, hidden=(4,)).eval()
WORDS = NGram(symbols=3, length=4, context=1)
MACHINE = RBM(event_shape=(3,), hidden=2)
LOG_WEIGHTS = torch.tensor([0.0, 1.0, 0.5])


def bell(x):
    return -x.square() / 2 - 0.9189385


class Copier:
    """A translation there and back that changes nothing."""

    def there_and_back(self, x, *, to):
        return x, x.clone()


def uniform_factors(n, generator):
    return torch.rand(n, 2, generator=generator)


LINE = {"log_p": bell, "log_q": lambda x: bell(x - 1), "span": (-6.0, 7.0)}
PROBE = probes.linear_probe(ROWS, LABELS, classes=2)
CALLS = {
    "classification.accuracy": call(classification.accuracy, model=JUDGE, x=IMAGES, y=DIGITS, batch_size=2),
    "comparison.chance": call(comparison.chance, a=[1.0, 2.0, 3.0], b=[2.0, 5.0]),
    "coverage.radii": call(coverage.radii, x=ROWS, k=2),
    "coverage.overlap": call(coverage.overlap, real=ROWS, generated=MORE, k=2),
    "detection.auroc": call(detection.auroc, ordinary=ROW, odd=OTHER, infinite=("ordinary", "odd")),
    "detection.auroc_by_draw": call(detection.auroc_by_draw, ordinary=ROW, odd=OTHER, draws=2, infinite=("ordinary", "odd")),
    "disentanglement.discretise": call(disentanglement.discretise, values=ROWS, bins=3),
    "disentanglement.mutual_information": call(disentanglement.mutual_information, a=COUNTS, b=COUNTS[:, :1]),
    "disentanglement.information_shares": call(disentanglement.information_shares, codes=ROWS, factors=MORE[:6], bins=3),
    "disentanglement.information_gaps": call(disentanglement.information_gaps, shares=ROWS),
    "disentanglement.mutual_information_gap": call(disentanglement.mutual_information_gap, codes=ROWS, factors=MORE[:6], bins=3),
    "disentanglement.fixed_factor_examples": call(
        disentanglement.fixed_factor_examples,
        represent=lambda v: v,
        sample_factors=uniform_factors,
        n=3,
        pairs=2,
        chunk=5,
        exact=False,
        **G,
    ),
    "disentanglement.linear_accuracy": call(disentanglement.linear_accuracy, train=(ROWS, LABELS), test=(ROWS, LABELS), steps=3),
    "disentanglement.beta_vae_score": call(
        disentanglement.beta_vae_score,
        represent=torch.zeros_like,
        sample_factors=uniform_factors,
        n_train=8,
        n_test=4,
        pairs=2,
        exact=False,
        **G,
    ),
    "disentanglement.measure": call(
        disentanglement.measure,
        model=VAE(event_shape=(2,), latent=2, hidden=(4,), output="gaussian").eval(),
        sample_factors=uniform_factors,
        draw=lambda v: v,
        n=40,
        exact=False,
        **G,
    ),
    "divergence.count_modes": call(divergence.count_modes, x=ROWS, centres=MORE, scale=0.5),
    "divergence.jensen_shannon_on_a_line": call(divergence.jensen_shannon_on_a_line, **LINE, points=100),
    "divergence.game_value": call(divergence.game_value, logit=lambda x: x, **LINE, points=100),
    "diversity.within_class_variance": call(diversity.within_class_variance, features=ROWS, y=LABELS),
    "features.features": call(features.features, model=JUDGE, x=IMAGES, batch_size=2),
    "features.check_two_sets": call(features.check_two_sets, features_a=ROWS, features_b=MORE),
    "frechet.gaussian_frechet": call(
        frechet.gaussian_frechet, mean_a=ROW[:2], covariance_a=torch.eye(2), mean_b=ROW[1:3], covariance_b=2 * torch.eye(2)
    ),
    "frechet.frechet_distance": call(frechet.frechet_distance, features_a=ROWS, features_b=MORE),
    "frechet.frechet_at_infinity": call(
        frechet.frechet_at_infinity, features_a=ROWS, features_b=MORE, counts=(2, 3, 6), none=("counts",)
    ),
    "front.front": call(front.front, costs=ROWS, infinite=("costs",)),
    "intervals.wilson": call(intervals.wilson, right=3, tries=8, errors=2.0),
    "kernel.kernel": call(kernel.kernel, x=ROWS, y=MORE),
    "kernel.kernel_distance": call(kernel.kernel_distance, features_a=ROWS, features_b=MORE),
    "likelihood.mean_with_error": call(likelihood.mean_with_error, values=ROW, infinite=("values",)),
    "likelihood.said": call(likelihood.said, values=ROW, digits=2, infinite=("values",)),
    "likelihood.log_probs": call(likelihood.log_probs, model=EXPLICIT, x=BITS, batch_size=3),
    "likelihood.negative_log_likelihood": call(likelihood.negative_log_likelihood, model=EXPLICIT, x=BITS, batch_size=3),
    "likelihood.bounds": call(likelihood.bounds, model=HIDDEN, x=BITS, k=3, batch_size=2, none=("k",), exact=False),
    "likelihood.negative_bound": call(
        likelihood.negative_bound, model=HIDDEN, x=BITS, k=3, batch_size=2, none=("k",), exact=False
    ),
    "likelihood.nats_per_symbol": call(
        likelihood.nats_per_symbol, model=WORDS, x=torch.tensor([[0, 1, 2, 0], [1, 1, 0, 2], [2, 0, 0, 1]]), context=1
    ),
    "likelihood.perplexity": call(likelihood.perplexity, nats=likelihood.Estimate(1.0, 0.1, 5)),
    "likelihood.bits_per_dim": call(likelihood.bits_per_dim, nats=likelihood.Estimate(1.0, 0.1, 5), event_shape=(1, 2, 2)),
    "memorisation.copying": call(memorisation.copying, samples=ROWS, training=MORE, held_out=ROWS + 1),
    "neighbours.nearest": call(neighbours.nearest, x=ROWS, among=MORE),
    "neighbours.close_pairs": call(neighbours.close_pairs, x=ROWS, within=2.5),
    "neighbours.Neighbours": call(
        lambda points, directions, x: neighbours.Neighbours(points, directions=directions)(x),
        points=MORE,
        directions=1,
        x=ROW[:2],
    ),
    "packing.resting_share": call(packing.resting_share, share=0.25, packing=2, cost=0.5),
    "pairings.all_pairings": call(pairings.all_pairings, k=3),
    "pairings.all_maps": call(pairings.all_maps, k=3),
    "pairings.unlike": call(pairings.unlike, maps=MAPS),
    "pairings.not_undone": call(pairings.not_undone, there=MAPS, back=MAPS.flip(0)),
    "pairings.moved": call(pairings.moved, pairings=MAPS, a=THREE, b=THREE_MORE, shared=2),
    "pairings.stretched": call(pairings.stretched, pairings=MAPS, a=THREE, b=THREE_MORE),
    "partition.log_mean": call(partition.log_mean, log_weights=LOG_WEIGHTS, infinite=("log_weights",)),
    "partition.annealed_log_partition": call(
        partition.annealed_log_partition, model=MACHINE, steps=3, chains=4, exact=False, **G
    ),
    "partition.reverse_nats": call(partition.reverse_nats, model=MACHINE, x=BITS, steps=3, batch_size=2, exact=False, **G),
    "partition.annealed_nats": call(partition.annealed_nats, model=MACHINE, x=BITS, log_z=3.0),
    "partition.bridge": call(partition.bridge, model=MACHINE, x=BITS, steps=(2, 3), chains=4, exact=False, **G),
    "probes.LinearProbe": call(lambda x, y: (PROBE.logits(x), PROBE.percent_correct(x, y)), x=ROWS, y=LABELS),
    "probes.linear_probe": call(lambda **given: probes.linear_probe(**given).weight, x=ROWS, y=LABELS, classes=2, decay=0.5),
    "probes.nearest_label": call(probes.nearest_label, x=ROWS, among=MORE, y=torch.tensor([0, 1, 0, 1, 2, 2, 0]), k=2),
    "probes.linear_by_draw": call(
        probes.linear_by_draw, known=ROWS, y=LABELS, draws=[torch.tensor([0, 1, 2, 3])], seen=MORE[:6], true=LABELS
    ),
    "probes.nearest_by_draw": call(
        probes.nearest_by_draw, known=ROWS, y=LABELS, draws=[torch.tensor([0, 1, 2, 3])], seen=MORE[:6], true=LABELS
    ),
    "probes.activations": call(probes.activations, layer=JUDGE.to_features[0], run=JUDGE.features, x=IMAGES, batch_size=2),
    "probes.draw_labelled": call(probes.draw_labelled, y=LABELS, count=2, seed=3),
    "ranks.ranks": call(ranks.ranks, values=ROW, infinite=("values",)),
    "ranks.spearman": call(ranks.spearman, a=ROW, b=OTHER[:5], infinite=("a", "b")),
    "reconstruction.errors": call(reconstruction.errors, model=CODE, x=BITS, batch_size=3),
    "reconstruction.mean_error": call(reconstruction.mean_error, model=CODE, x=BITS, batch_size=3),
    "regression.r_squared": call(regression.r_squared, predicted=ROWS, true=MORE[:6]),
    "translation.cycle_error": call(translation.cycle_error, model=Copier(), x=BITS, to="b"),
    "translation.rounded": call(translation.rounded, x=BITS, levels=3),
    "translation.disturbed": call(translation.disturbed, x=BITS, grey_levels=3.0, exact=False, **G),
    "translation.found_pairs": call(translation.found_pairs, there=THREE, targets=THREE_MORE, within=9.0, infinite=()),
    "translation.along_crescent": call(translation.along_crescent, points=ROWS, upwards=1),
    "translation.covered": call(translation.covered, places=torch.tensor([0.0, 0.5, 1.0]), bins=4),
    "transport.monotone_plan": call(transport.monotone_plan, x=ROW, y=OTHER),
    "transport.wasserstein": call(transport.wasserstein, x=ROW, y=OTHER, p=2),
    "transport.cumulative_curves": call(transport.cumulative_curves, x=ROW, y=OTHER),
    "transport.best_critic": call(transport.best_critic, x=ROW, y=OTHER),
    "transport.Critic": call(lambda t: transport.best_critic(ROW, OTHER)(t), t=ROW, infinite=("t",)),
    "transport.assign": call(transport.assign, cost=torch.tensor([[1.0, 2.0], [3.0, 5.0]])),
    "transport.assignment_distance": call(transport.assignment_distance, x=ROWS, y=MORE[:6]),
}

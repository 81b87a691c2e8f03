"""Several networks at once are what the same networks are alone, forwards, backwards and over a whole training."""

import pytest
import torch
from torch import nn
from torch.optim import Adam

from course_lib import runtime
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import Relativistic, Wasserstein
from course_lib.models.adversarial.penalties import UnitSlope, ZeroCentred
from course_lib.nn.replicas import PointNetworks
from course_lib.training.steps import AdversarialStep


def alone(together: PointNetworks, which: int) -> PointNetworks:
    """One of the networks by itself."""
    one = PointNetworks(copies=1, inputs=together.inputs, hidden=together.hidden, outputs=together.outputs)
    with torch.no_grad():
        for own, all_of_them in zip(one.parameters(), together.parameters(), strict=True):
            own.copy_(all_of_them[which : which + 1])
    return one


def test_each_row_goes_through_its_own_network():
    runtime.seed(0)
    nets = PointNetworks(copies=3, inputs=2, hidden=(5, 4), outputs=2)
    x = torch.randn(12, 2, generator=runtime.generator(1))
    for which in range(3):
        layers = [nn.functional.linear for _ in nets.weights]  # torch's own layer on the weights of this network, row by row
        h = x[which::3]
        for index, (layer, weight, bias) in enumerate(zip(layers, nets.weights, nets.biases, strict=True)):
            h = layer(h, weight[which].T, bias[which, 0])
            h = h.relu() if index < 2 else h
        torch.testing.assert_close(nets(x)[which::3], h)
    torch.testing.assert_close(nets(x[:7]), nets(x)[:7])  # a batch that does not divide evenly
    assert PointNetworks(copies=3, inputs=2, hidden=(5,))(x).shape == (12,)


def test_the_networks_begin_at_different_weights():
    runtime.seed(0)
    first, second = PointNetworks(copies=2, inputs=2, hidden=(4,)).weights[0].unbind()
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("objective", "penalty", "rounds"), [(Relativistic(), ZeroCentred(0.1, 0.1), 1), (Wasserstein(), UnitSlope(0.1), 2)]
)
def test_a_training_of_several_at_once_equals_the_trainings_one_by_one(objective, penalty, rounds):
    runtime.seed(0)
    copies, sizes = 2, {"inputs": 2, "hidden": (8, 8)}
    generators, judges = PointNetworks(copies=copies, outputs=2, **sizes), PointNetworks(copies=copies, **sizes)
    noise = {}  # (call, network) -> the noise of that network, so that both ways of training see the same

    def game(generator, judge, which):
        made = GAN(generator=generator, discriminator=judge, event_shape=(2,), noise=2, objective=objective, penalty=penalty)
        calls = iter(range(10_000))

        def draw_noise(n, *, generator=None):
            call = next(calls)
            rows = copies * n if which is not None else n
            z = noise.setdefault(call, torch.randn(rows, 2, generator=runtime.generator(100 + call), dtype=torch.double))
            return z if which is None else z[which::copies]

        object.__setattr__(made, "draw_noise", draw_noise)
        return made.double()

    data = [torch.randn(rounds * 4 * copies, 2, generator=runtime.generator(i), dtype=torch.double) for i in range(5)]
    singles = [game(alone(generators, which), alone(judges, which), which) for which in range(copies)]
    whole = game(generators, judges, None)
    if isinstance(penalty, UnitSlope):  # the places between are drawn at random: take the middle in both ways
        for model in (*singles, whole):
            model.penalty = Middle(0.1)
    for model, own in ((whole, slice(None)), *((single, slice(w, None, copies)) for w, single in enumerate(singles))):
        adams = {name: Adam(player.parameters(), 1e-3, (0.5, 0.9), eps=1e-30) for name, player in model.players.items()}
        step = AdversarialStep(model, adams, discriminator_steps=rounds)
        for batch in data:
            step(batch[own])
    for which, single in enumerate(singles):
        for own, together in zip(single.parameters(), whole.parameters(), strict=True):
            torch.testing.assert_close(together[which : which + 1], own, atol=1e-8, rtol=1e-7)


class Middle(UnitSlope):
    """The penalty halfway between a real and a made example."""

    def __call__(self, discriminator, real, fake, real_logits, fake_logits, *, generator=None):
        between = ((real.detach() + fake.detach()) / 2).requires_grad_(True)
        (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
        return self.weight * (slope.norm(dim=1) - 1).square().mean()

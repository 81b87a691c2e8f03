"""Small models with the right laws, for the steps whose own models come later in the course."""

import itertools

import torch
from torch import nn

from course_lib import runtime


class TinyRBM(nn.Module):
    """An RBM so small that its log-likelihood is exact: p(x) proportional to exp(-free energy)."""

    def __init__(self, visible=4, hidden=3, scale=0.1):
        super().__init__()
        draw = runtime.generator(0)
        self.W = nn.Parameter(scale * torch.randn(visible, hidden, generator=draw))
        self.b, self.c = nn.Parameter(torch.zeros(visible)), nn.Parameter(torch.zeros(hidden))

    def free_energy(self, x):
        return -(x @ self.b) - nn.functional.softplus(x @ self.W + self.c).sum(1)

    def log_prob(self, x):
        states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=len(self.b))), dtype=x.dtype)
        return -self.free_energy(x) - torch.logsumexp(-self.free_energy(states), 0)


class TinyGAN(nn.Module):
    """A shift of the line, with batch normalisation on demand, against a logistic discriminator."""

    def __init__(self, *, norm=False):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(1, 1), *([nn.BatchNorm1d(1)] if norm else []))
        self.discriminator = nn.Linear(1, 1)

    @property
    def players(self):
        return {"discriminator": self.discriminator, "generator": self.generator}

    def _made(self, x, generator):
        return self.generator(torch.randn(x.shape, generator=generator))

    def player_loss(self, name, x, *, generator=None):
        made = self._made(x, generator)
        if name == "generator":
            return nn.functional.softplus(-self.discriminator(made)).mean()
        real, made = self.discriminator(x), self.discriminator(made.detach())
        return nn.functional.softplus(-real).mean() + nn.functional.softplus(made).mean()


class TinyCycle(nn.Module):
    """Two sets of numbers, a map each way and a discriminator each: as in CycleGAN, both maps are one player."""

    def __init__(self):
        super().__init__()
        self.maps = nn.ModuleDict({"ab": nn.Linear(1, 1), "ba": nn.Linear(1, 1)})
        self.judge_a, self.judge_b = nn.Linear(1, 1), nn.Linear(1, 1)

    @property
    def players(self):
        return {"judge_a": self.judge_a, "judge_b": self.judge_b, "maps": self.maps}

    def player_loss(self, name, pair, *, generator=None):
        a, b = pair
        made_a, made_b = self.maps["ba"](b), self.maps["ab"](a)
        if name == "maps":
            fooled = (self.judge_a(made_a) - 1).square().mean() + (self.judge_b(made_b) - 1).square().mean()
            cycle = (self.maps["ba"](made_b) - a).abs().mean() + (self.maps["ab"](made_a) - b).abs().mean()
            return fooled + 10 * cycle
        judge, real, made = (self.judge_a, a, made_a) if name == "judge_a" else (self.judge_b, b, made_b)
        return (judge(real) - 1).square().mean() + judge(made.detach()).square().mean()


class TinyEnergy(nn.Module):
    """The energy of a Gaussian in the plane, with mean and log precision learned: its law is known."""

    def __init__(self):
        super().__init__()
        self.mean, self.log_precision = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(()))

    def energy(self, x):
        return 0.5 * self.log_precision.exp() * (x - self.mean).square().sum(1)


class TwoCoins(nn.Module):
    """A mixture of two biased coins, each tossed T times: EM in closed form."""

    def __init__(self):
        super().__init__()
        self.probs = nn.Parameter(torch.tensor([0.4, 0.6], dtype=torch.double), requires_grad=False)

    def em_step(self, x):
        heads, tosses = x.double().sum(1, keepdim=True), x.shape[1]
        joint = heads * self.probs.log() + (tosses - heads) * (1 - self.probs).log() - torch.log(torch.tensor(2.0))
        share = joint.softmax(1)
        self.probs.copy_((share * heads).sum(0) / (share.sum(0) * tosses))
        return joint.logsumexp(1).mean()


class Noisy(nn.Module):
    """A loss that draws from the step's generator and from torch's own (dropout)."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 4))

    def loss(self, x, *, generator=None):
        noise = torch.randn(x.shape, generator=generator)
        return ((self.net(x + noise) - x) ** 2).sum(1).mean()


class Quiet(Noisy):
    """A loss that draws nothing."""

    def loss(self, x, *, generator=None):
        return ((self.net[3](self.net[1](self.net[0](x))) - x) ** 2).sum(1).mean()


def coins(n=50, seed=0):
    """Four biased coins, tossed n times: (n, 4) of 0 and 1."""
    return (torch.rand(n, 4, generator=runtime.generator(seed)) < torch.tensor([0.9, 0.2, 0.7, 0.5])).float()


def same(first, second):
    """Whether two trees of dicts, lists, tensors and plain values are equal, bit for bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(same(one, other) for one, other in zip(first, second, strict=True))
    return first == second


def copied(state):
    """The tensors of a state dict as they are now."""
    return {name: value.clone() for name, value in state.items()}

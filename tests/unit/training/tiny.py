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

    def gibbs_step(self, x, *, generator=None):
        def draw(probs):
            return (torch.rand(probs.shape, generator=generator) < probs).float()

        return draw(torch.sigmoid(draw(torch.sigmoid(x @ self.W + self.c)) @ self.W.T + self.b))

    def log_prob(self, x):
        states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=len(self.b))))
        return -self.free_energy(x) - torch.logsumexp(-self.free_energy(states), 0)


class TinyGAN(nn.Module):
    """A shift of the line against a logistic discriminator."""

    def __init__(self):
        super().__init__()
        self.generator, self.discriminator = nn.Linear(1, 1), nn.Linear(1, 1)

    def _made(self, x, generator):
        return self.generator(torch.randn(x.shape, generator=generator))

    def discriminator_loss(self, x, *, generator=None):
        real, made = self.discriminator(x), self.discriminator(self._made(x, generator).detach())
        return nn.functional.softplus(-real).mean() + nn.functional.softplus(made).mean()

    def generator_loss(self, x, *, generator=None):
        return nn.functional.softplus(-self.discriminator(self._made(x, generator))).mean()


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

"""The step of a game: who moves when, on which examples, with which optimiser; each setting changed alone."""

import pytest
import torch
from tiny import TinyCycle, TinyGAN, copied, same

from course_lib import runtime
from course_lib.training import AdversarialStep, ExponentialAverage, cosine

REAL = 3 + torch.randn(240, 1, generator=runtime.generator(1))


class Recorded(TinyGAN):
    """Remembers each move: the player, the examples it saw, and everyone's parameters before it."""

    def __init__(self):
        super().__init__()
        self.moves = []

    def player_loss(self, name, x, *, generator=None):
        self.moves.append((name, x.clone(), copied(self.state_dict())))
        return super().player_loss(name, x, generator=generator)


def test_every_discriminator_move_sees_examples_of_its_own():
    runtime.seed(0)
    step = AdversarialStep(Recorded(), lr=0.02, discriminator_steps=3)
    step(REAL[:60])
    names, seen, _ = zip(*step.model.moves, strict=True)
    assert names == ("discriminator",) * 3 + ("generator",)
    assert torch.equal(torch.cat(seen[:3]), REAL[:60])  # each example once
    assert [len(x) for x in seen] == [20] * 4
    assert torch.equal(seen[3], seen[2])
    step.model.moves.clear()
    step(REAL[:2])  # fewer examples than rounds
    assert [(name, len(x)) for name, x, _ in step.model.moves] == [("discriminator", 1), ("discriminator", 1), ("generator", 1)]


def test_one_player_moves_at_a_time():
    runtime.seed(0)
    step = AdversarialStep(Recorded(), lr=0.02, discriminator_steps=2)
    values = step(REAL[:40])
    first, second, last = (state for _, _, state in step.model.moves)
    after = copied(step.model.state_dict())
    assert torch.equal(first["generator.0.weight"], last["generator.0.weight"])  # the generator waits its turn
    assert not torch.equal(first["discriminator.weight"], second["discriminator.weight"])
    assert not torch.equal(second["discriminator.weight"], last["discriminator.weight"])
    assert torch.equal(last["discriminator.weight"], after["discriminator.weight"])
    assert not torch.equal(last["generator.0.weight"], after["generator.0.weight"])
    assert list(values) == ["discriminator_loss", "generator_loss"]
    assert all(parameter.requires_grad for parameter in step.model.parameters())


def test_the_losses_reported_are_means_over_the_moves():
    class Fixed(TinyGAN):
        def player_loss(self, name, x, *, generator=None):
            return super().player_loss(name, x, generator=generator) * 0 + x.mean()

    values = AdversarialStep(Fixed(), discriminator_steps=2)(torch.tensor([[1.0], [1.0], [3.0], [3.0]]))
    assert float(values["discriminator_loss"]) == 2.0
    assert float(values["generator_loss"]) == 3.0


def trained(steps=4, **settings):
    runtime.seed(0)
    step = AdversarialStep(TinyGAN(norm=True), **settings)
    for batch in REAL.split(len(REAL) // steps):
        step(batch)
    return copied(step.result().state_dict())


def by_hand(lr=(2e-4, 2e-4), betas=(0.5, 0.999), clip=None, rounds=1, steps=4):
    """The same game written out, as in the first algorithm of Goodfellow et al. (2014)."""
    runtime.seed(0)
    model, noise = TinyGAN(norm=True), runtime.generator(0)
    adams = {n: torch.optim.Adam(p.parameters(), lr=r, betas=betas) for r, (n, p) in zip(lr, model.players.items(), strict=True)}

    def move(name, x):
        model.zero_grad()
        model.player_loss(name, x, generator=noise).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.players[name].parameters(), clip)
        adams[name].step()

    for batch in REAL.split(len(REAL) // steps):
        for part in batch.chunk(rounds):
            move("discriminator", part)
        move("generator", part)
    return copied(model.state_dict())


def test_the_settings_do_what_the_game_by_hand_does():
    assert same(trained(), by_hand())
    assert same(trained(lr={"discriminator": 0.02, "generator": 0.01}), by_hand(lr=(0.02, 0.01)))
    assert same(trained(betas=(0.0, 0.9)), by_hand(betas=(0.0, 0.9)))
    assert same(trained(clip=0.01), by_hand(clip=0.01))
    assert same(trained(discriminator_steps=3), by_hand(rounds=3))


ALONE = {
    "lr": {"lr": 3e-4},
    "lr of one": {"lr": {"discriminator": 3e-4, "generator": 2e-4}},
    "betas": {"betas": (0.9, 0.999)},
    "second beta": {"betas": (0.5, 0.9)},
    "betas of one": {"betas": {"discriminator": (0.5, 0.999), "generator": (0.0, 0.999)}},
    "discriminator_steps": {"discriminator_steps": 2},
    "schedule": {"schedule": cosine(4)},
    "clip": {"clip": 1e-9},  # Adam hardly feels a constant factor; its epsilon does at this size
    "precision": {"precision": "bfloat16"},
    "averaging": {"averaging": ExponentialAverage(0.9)},
    "decay of the average": {"averaging": ExponentialAverage(0.5)},
    "seed": {"seed": 1},
}


def test_each_setting_changed_alone_changes_the_result():
    results = {name: trained(**settings) for name, settings in ALONE.items()} | {"none": trained()}
    names = list(results)
    assert [(a, b) for i, a in enumerate(names) for b in names[:i] if same(results[a], results[b])] == []


def test_given_optimisers_are_used_each_for_its_player():
    runtime.seed(0)
    model = Recorded()
    rates = {"discriminator": 0.5, "generator": 0.25}
    step = AdversarialStep(model, {name: torch.optim.SGD(p.parameters(), lr=rates[name]) for name, p in model.players.items()})
    step(REAL[:10])
    moved = {}
    for name, player in model.players.items():
        before = next(state for mover, _, state in model.moves if mover == name)
        parameter = next(player.parameters())
        key = next(key for key, value in model.named_parameters() if value is parameter)
        moved[name] = ((before[key] - parameter.detach()) / parameter.grad).flatten()
    for name, rate in rates.items():
        torch.testing.assert_close(moved[name], torch.full_like(moved[name], rate))


def test_optimisers_that_do_not_fit_the_players_are_refused():
    model = TinyGAN()
    adam = {name: torch.optim.Adam(player.parameters()) for name, player in model.players.items()}
    with pytest.raises(ValueError, match=r"optimisers are given for \['generator'\].*'discriminator', 'generator'"):
        AdversarialStep(model, {"generator": adam["generator"]})
    with pytest.raises(ValueError, match="the optimiser of 'discriminator' holds parameters of another player"):
        AdversarialStep(model, {"discriminator": adam["generator"], "generator": adam["generator"]})
    with pytest.raises(ValueError, match=r"lr is given for \['critic'\]"):
        AdversarialStep(model, lr={"critic": 1e-3})
    with pytest.raises(ValueError, match="discriminator_steps is 0"):
        AdversarialStep(model, discriminator_steps=0)
    with pytest.raises(ValueError, match="expected at least one discriminator"):
        AdversarialStep(Alone())


class Alone(TinyGAN):
    players = {"generator": torch.nn.Linear(1, 1)}  # noqa: RUF012


def test_the_average_is_of_the_generator_and_its_batch_normalisation():
    runtime.seed(0)
    step = AdversarialStep(TinyGAN(norm=True), lr=0.05, averaging=ExponentialAverage(0.5))
    states = []
    for batch in REAL.split(60):
        step(batch)
        states.append(copied(step.model.state_dict()))
    weights = torch.tensor([0.5 ** (len(states) - t) for t in range(1, len(states) + 1)])
    kept = step.result().state_dict()
    for name in ("generator.0.weight", "generator.1.running_mean", "generator.1.running_var"):
        expected = sum(w * state[name] for w, state in zip(weights, states, strict=True)) / weights.sum()
        torch.testing.assert_close(kept[name], expected)
        assert not torch.allclose(kept[name], states[-1][name])
    assert torch.equal(kept["discriminator.weight"], states[-1]["discriminator.weight"])


def test_it_finds_the_mean_of_the_data():
    runtime.seed(0)
    step = AdversarialStep(TinyGAN(), lr=0.02, discriminator_steps=2)
    before = step.model.generator[0].bias.item()
    for _ in range(150):
        step(REAL)
    assert step.model.generator[0].bias.item() > before + 1


def test_two_maps_and_two_judges_play_on_two_unpaired_sets():
    """As in CycleGAN: both maps are one player, each judge another; here the maps must find x -> 2x and back, up to the sign."""
    runtime.seed(0)
    draw = runtime.generator(3)
    a, b = 1 + torch.randn(4_000, 1, generator=draw), 2 + 2 * torch.randn(4_000, 1, generator=draw)
    step = AdversarialStep(TinyCycle(), lr=0.01)
    for pair in zip(a.split(20), b.split(20), strict=True):
        values = step(pair)
    assert list(values) == ["judge_a_loss", "judge_b_loss", "maps_loss"]
    there, back = step.model.maps["ab"], step.model.maps["ba"]
    assert (there.weight * back.weight).item() == pytest.approx(1.0, abs=0.1)  # the cycle closes
    assert (back(there(a)) - a).abs().mean() < 0.2

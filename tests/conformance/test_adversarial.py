"""What every adversarial model must keep: named players, losses that are means over the batch, moves that change one player."""

import inspect
import math

import pytest
import torch
from adversarial import ALONE, BUILD, SAMPLERS, build, examples

from course_lib import runtime
from course_lib.models.protocols import AdversarialModel
from course_lib.training import AdversarialStep, checkpoints

NAMES = pytest.mark.parametrize("name", BUILD)


def parts(batch):
    return batch if isinstance(batch, tuple) else (batch,)


def joined(one, other):
    pairs = [torch.cat(pair) for pair in zip(parts(one), parts(other), strict=True)]
    return tuple(pairs) if isinstance(one, tuple) else pairs[0]


def losses(model, batch, seed=4):
    device = runtime.device_of(model)
    return {player: model.player_loss(player, batch, generator=runtime.generator(seed, device)) for player in model.players}


@NAMES
def test_protocol(name, device, capsys):
    model = build(name, device)
    signature = inspect.signature(type(model).__init__).parameters.values()
    assert all(p.kind is p.KEYWORD_ONLY for p in signature if p.name != "self")
    assert not hasattr(model, "log_prob"), "an adversarial model tells no density"
    players = list(model.players)
    assert players[-1].startswith("generator")
    owned = [id(parameter) for player in model.players.values() for parameter in player.parameters()]
    assert len(owned) == len(set(owned)), "two players share a parameter"
    for loss in losses(model, examples(name, model, 5)).values():
        assert loss.shape == ()
        assert loss.isfinite()
        assert loss.requires_grad
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples(name, device):
    model = build(name, device)
    assert isinstance(model, AdversarialModel)
    first = model.sample(6, generator=runtime.generator(3, device))
    assert first.shape == (6, *model.event_shape)
    assert not first.requires_grad
    assert torch.equal(first, model.sample(6, generator=runtime.generator(3, device)))
    assert not torch.equal(first, model.sample(6, generator=runtime.generator(4, device)))
    z = model.draw_noise(6, generator=runtime.generator(3, device)).requires_grad_(True)
    made = model.generate(z)
    torch.testing.assert_close(made.detach(), first)
    assert torch.autograd.grad(made.sum(), z)[0].abs().sum() > 0
    with pytest.raises(ValueError, match="n is 0"):
        model.sample(0)


@NAMES
def test_losses_depend_on_the_generator_alone_and_change_nothing(name, device):
    model = build(name, device)
    batch = examples(name, model, 6)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    first = losses(model, batch)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    again = losses(model, batch)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[player], again[player]) for player in first)
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in state.items())


@pytest.mark.parametrize("name", ALONE)
def test_a_loss_is_a_mean_over_the_examples(name, monkeypatch):
    """With the same noise for all, a batch that holds every example twice has the same loss."""
    model = build(name, dtype=torch.float64)
    monkeypatch.setattr(runtime, "standard_normal", None)  # every module has its own name for it, so both are replaced below
    for module in ("gan", "translation"):
        monkeypatch.setattr(
            f"course_lib.models.adversarial.{module}.standard_normal", lambda shape, like, _: like.new_ones(shape)
        )
    monkeypatch.setattr("course_lib.models.adversarial.penalties.uniform", lambda shape, like, _: torch.full(shape, 0.3).to(like))
    batch = examples(name, model, 5)
    once, twice = losses(model, batch), losses(model, joined(batch, batch))
    for player in once:
        torch.testing.assert_close(once[player], twice[player])


@NAMES
def test_a_move_changes_one_player_and_goes_down_its_loss(name):
    model = build(name)
    batch = examples(name, model, 8)
    for player in model.players:
        model = build(name, dtype=torch.float64)
        batch = examples(name, model, 8)
        module = model.players[player]
        before = losses(model, batch)[player]
        gradients = torch.autograd.grad(before, list(module.parameters()), allow_unused=True)
        length = math.sqrt(sum(g.square().sum().item() for g in gradients if g is not None))
        with torch.no_grad():
            for parameter, gradient in zip(module.parameters(), gradients, strict=True):
                parameter.sub_(0 if gradient is None else 1e-4 / length * gradient)
        assert losses(model, batch)[player] < before


@NAMES
def test_a_step_moves_every_player(name, device):
    model = build(name, device)
    step = AdversarialStep(model, lr=1e-3, discriminator_steps=2)
    before = {player: [p.clone() for p in module.parameters()] for player, module in model.players.items()}
    values = step(examples(name, model, 8))
    assert set(values) == {f"{player}_loss" for player in before}
    for player, module in model.players.items():
        assert any(not torch.equal(*pair) for pair in zip(before[player], module.parameters(), strict=True)), player


@NAMES
def test_a_checkpoint_keeps_all_of_it(name, tmp_path):
    model = build(name)
    checkpoints.save(name, model, {}, folder=tmp_path)
    twin = checkpoints.load(name, folder=tmp_path)
    batch = examples(name, model, 6)
    one, other = losses(model, batch), losses(twin.requires_grad_(True), batch)
    for player in one:
        torch.testing.assert_close(one[player], other[player], msg=player)


@NAMES
def test_bad_input_is_refused(name):
    model = build(name)
    batch = examples(name, model, 3)
    with pytest.raises(ValueError, match="no player is called 'nobody'"):
        model.player_loss("nobody", batch)
    for place, part in enumerate(parts(batch)):
        if not part.is_floating_point():
            continue
        for wrong, words in ((torch.cat([part, part], -1), "expected"), (torch.full_like(part, math.nan), "NaN")):
            changed = tuple(wrong if i == place else other for i, other in enumerate(parts(batch)))
            with pytest.raises(ValueError, match=words):
                losses(model, changed if isinstance(batch, tuple) else changed[0])

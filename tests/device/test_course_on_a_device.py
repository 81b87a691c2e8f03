"""What the conformance tests do not reach: the course's loop, files, measures, figures, explorers and checks on a CUDA device.

On a GPU they run as they are; PRETEND_CUDA=1 runs them on the pretended device.
"""

import itertools

import configs
import latents
import pretend_cuda
import pytest
import sequences
import torch

from course_lib import plots, runtime
from course_lib.checks.report import grade
from course_lib.cli import train as command
from course_lib.datasets import Batches, close_ups, faces, toys
from course_lib.metrics import disentanglement, likelihood, reconstruction
from course_lib.models import inputs
from course_lib.models.autoregressive import NADE, AnyOrderMADE
from course_lib.models.latent import VAE, Autoencoder, VectorQuantised
from course_lib.models.latent.paths import lerp, slerp
from course_lib.models.probability.mixtures import GaussianMixture
from course_lib.models.probability.tables import FullTable
from course_lib.models.sequence import CausalTransformer, NGram
from course_lib.nn.recurrent import gradient_by_lag
from course_lib.training import Checkpoint, GradientStep, fit, load_or_train, recipes
from course_lib.training.optimisers import optimisers

MISSING = pretend_cuda.missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")
MODELS = {
    "nade": lambda: NADE(event_shape=(4,), hidden=5),
    "made": lambda: AnyOrderMADE(event_shape=(4,), hidden=(8,)),
    "vae": lambda: VAE(event_shape=(4,), latent=2, hidden=(5,)),
}


@pytest.fixture
def g():
    return runtime.generator(0, "cuda")


def bits(n: int = 40) -> torch.Tensor:
    return (torch.rand(n, 4, generator=runtime.generator(0)) < 0.5).float()


def run(name, device, kind="muon"):
    torch.manual_seed(1)
    model = MODELS[name]().to(device)
    step = GradientStep(model, optimisers(model, kind, lr=0.01), clip=1.0, total_steps=20)
    return step, Batches(bits(), 10, seed=3, binarisation="resampled", device=device)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", ["cuda cuda", "cpu cuda", "cuda cpu"])
def test_a_run_goes_on_on_another_device(name, way, tmp_path):
    first, second = way.split()
    step, batches = run(name, first)
    fit(step, batches, 2, [Checkpoint(tmp_path / "run.safetensors", step, batches)])
    step, batches = run(name, second)
    history = fit(step, batches, 4, history=Checkpoint(tmp_path / "run.safetensors", step, batches).resume())
    assert len(history) == 4


def test_a_run_on_the_cpu_saves_no_generator_of_the_gpu(monkeypatch, tmp_path):
    """Asking for the generators of all devices would open a context on every GPU."""

    def refuse(*_):
        raise AssertionError("a run on the CPU asked for a generator of a GPU")

    monkeypatch.setattr(torch.cuda, "get_rng_state_all", refuse)
    monkeypatch.setattr(torch.cuda, "get_rng_state", refuse)
    step, batches = run("nade", "cpu")
    assert len(fit(step, batches, 1, [Checkpoint(tmp_path / "run.safetensors", step, batches)])) == 1


def test_batches_from_the_cpu_train_a_model_on_the_device():
    model = MODELS["nade"]().cuda()
    history = fit(GradientStep(model, lr=0.01), Batches(bits(), 10), 1)
    assert history[0]["loss"] > 0
    assert all(parameter.is_cuda for parameter in model.parameters())


@pytest.mark.parametrize("name", ["nade-mnist", "vae-mnist", "to-roman-plain", "beta-vae-4-close-ups", "ae-mnist-16", "vq-faces"])
def test_a_recipe_is_trained_and_measured(name):
    assert command.train(name, budget="smoke", device="cuda") == 0
    assert command.train(name, budget="smoke", device="cpu") == 0  # what the first run left behind is not in the way


def test_measures_take_data_that_lie_on_the_device(g):
    sequences = CausalTransformer(symbols=3, length=6, width=8, heads=2, layers=1).cuda()
    assert likelihood.nats_per_symbol(sequences, torch.randint(3, (6, 6), device="cuda"), context=1).mean > 0
    autoencoder = Autoencoder(event_shape=(1, 4, 4), latent=2).cuda()
    assert reconstruction.mean_error(autoencoder, torch.rand(6, 1, 4, 4, device="cuda")).mean > 0
    model = VAE(event_shape=close_ups.SHAPE, latent=3, hidden=(8,), activation="relu", output="gaussian").cuda().eval()
    assert disentanglement.measure(model, close_ups.sample_factors, close_ups.draw, n=400, generator=g)


@pytest.mark.parametrize("maker", sorted(toys.SPLITS))
def test_toy_data_lie_where_their_generator_does(maker, g):
    made = getattr(toys, maker)(10, generator=g)
    assert (made[0] if isinstance(made, tuple) else made).is_cuda


def test_faces_and_gradients_by_lag_are_drawn_on_the_device(g):
    assert faces.draw(faces.sample_factors(3, g), 16).is_cuda
    cell = torch.nn.LSTM(3, 4, batch_first=True).cuda().eval()  # cuDNN goes backward through it in training mode only
    assert torch.isfinite(torch.as_tensor(gradient_by_lag(cell, torch.randn(2, 5, 3, device="cuda"), generator=g))).all()


@pytest.mark.parametrize("path", [lerp, slerp])
def test_a_path_takes_its_places_from_the_cpu(path):
    a, b, t = torch.randn(1, 3), torch.randn(1, 3), torch.linspace(0, 1, 5)[:, None]
    torch.testing.assert_close(path(a.cuda(), b.cuda(), t).cpu(), path(a, b, t), rtol=1e-5, atol=1e-5)


def test_estimates_leave_the_model_on_its_device():
    symbols = torch.randint(3, (20, 6), generator=runtime.generator(0))
    for data in (symbols, symbols.cuda()):
        model = NGram(symbols=3, length=6, context=2).cuda().estimate(data)
        assert all(tensor.is_cuda for tensor in model.state_dict().values())
        assert torch.isfinite(model.log_prob(symbols.cuda())).all()
    for data in (bits(), bits().cuda()):
        model = FullTable(event_shape=(4,)).cuda().estimate(data)
        torch.testing.assert_close(model.probs.cpu(), FullTable(event_shape=(4,)).estimate(bits()).probs)


def test_rows_of_a_table_are_found_under_autocast():
    """In bfloat16 the number of a state would be rounded, and on a GPU a row that does not exist ends the context."""
    x = (torch.rand(50, 12, generator=runtime.generator(0)) < 0.5).float().cuda()
    table = FullTable(event_shape=(12,)).cuda().estimate(x)
    with torch.autocast("cuda", torch.bfloat16):
        torch.testing.assert_close(table.log_prob(x), table.log_prob(x.float()))
        assert torch.isfinite(table.log_prob(x)).all()


def test_symbols_that_do_not_exist_are_refused_before_the_device_sees_them():
    model = VectorQuantised(event_shape=(3, 16, 16), entries=8, scales=(4,), width=4, features=4).cuda()
    with pytest.raises(ValueError, match="expected 0 … 7"):
        model.paint(torch.full((1, sum(model.sizes)), 8, device="cuda"))


def test_figures_and_checks_take_what_lies_on_the_device():
    t = torch.rand(5, device="cuda")
    plots.curves({"a": t, "b": (list(t), t)}, x=t, title="t", xlabel="x", ylabel="y")
    assert grade("99.1", t, t.cpu(), record=False).status == "right"
    mixture = GaussianMixture(event_shape=(1,), components=2).cuda()
    plots.density(mixture.log_prob, [(-1.0, 1.0)], data=torch.randn(5, 1, device="cuda"), title="t")


def test_explorers_take_models_and_data_that_lie_on_the_device():
    from course_lib.explore.latent.codes import bottleneck, denoise, latent_plane
    from course_lib.models.latent.pca import PCA

    digits = torch.rand(12, 1, 28, 28, generator=runtime.generator(0)).cuda()
    models = {k: Autoencoder(event_shape=(1, 28, 28), latent=k, widths=(6,)).cuda() for k in (1, 2)}
    pca = PCA(event_shape=(1, 28, 28), latent=2).estimate(digits.cpu()).cuda()
    panels = [
        bottleneck(models, pca, digits),
        denoise(*models.values(), digits),
        latent_plane(models[2].decode, torch.randn(9, 2).cuda()),
    ]
    for panel in panels:
        panel.render(**panel.values)
    assert all(parameter.is_cuda for model in models.values() for parameter in model.parameters())


def test_a_loaded_model_lies_where_the_data_do():
    """Lessons give a loaded model data as `load` gives them: from the CPU."""
    model = load_or_train("nade-mnist")
    assert torch.isfinite(model.log_prob(torch.zeros(1, 1, 28, 28))).all()


@pytest.mark.parametrize("name", ["pixelcnn-mnist", "row-lstm-mnist", "made-mnist", "fvsbn-mnist", "nade-mnist"])
def test_sampling_never_makes_the_host_wait(name, g):
    if not getattr(torch.cuda, "_pretended", False):
        pytest.skip("only the pretended device counts the host's waits")
    model = recipes.recipe(name).build()
    model = getattr(model, "model", model).cuda()
    with pretend_cuda.watch("course_lib") as seen:
        model.sample(2, generator=g)
    assert not seen.waits, "a CUDA graph cannot be made of this"


class Waits:
    """A callback that notes, after each step, how often the host has waited for the device so far."""

    def __init__(self):
        self.counts = []

    def after_step(self, values):
        self.counts.append(pretend_cuda.summary()["waits"])

    def __call__(self, history):
        pass


def test_a_training_step_makes_the_host_wait_in_the_first_epoch_alone():
    """Losses stay on the device; `fit` fetches them once in a while. The model looks at the values of its data once."""
    if not getattr(torch.cuda, "_pretended", False):
        pytest.skip("only the pretended device counts the host's waits")
    step, batches = run("made", "cuda", "adam")
    waits = Waits()
    fit(step, batches, 3, [waits])
    of_steps = [after - before for before, after in itertools.pairwise(waits.counts)]
    assert min(of_steps[:3]) > 0  # four batches per epoch; the first one's waits are not counted
    assert of_steps[4:7] == of_steps[8:11] == [0, 0, 0]


EXAMPLES = {
    configs: lambda model, name: configs.examples(model, name, 5),
    latents: lambda model, name: latents.examples(model, 5),
    sequences: lambda model, name: sequences.examples(5, device="cuda"),
}


@pytest.mark.parametrize("table", EXAMPLES)
def test_no_model_makes_the_host_wait_for_values_that_are_trusted(table, g):
    """But for models that find words in their data: the shapes of their tensors depend on the values of the data."""
    if not getattr(torch.cuda, "_pretended", False):
        pytest.skip("only the pretended device counts the host's waits")
    waited, looked = {}, 0
    for name in table.BUILD:
        model = table.build(name, "cuda").train()
        if not any(parameter.requires_grad for parameter in model.parameters()) or name.startswith(("nested", "table")):
            continue
        x, looked = EXAMPLES[table](model, name), looked + 1
        with inputs.trusted_values(), pretend_cuda.watch("course_lib") as seen:
            model.loss(x, generator=g).backward()
        waited |= {name: seen.waits} if seen.waits else {}
    assert looked > 5
    assert waited == {}

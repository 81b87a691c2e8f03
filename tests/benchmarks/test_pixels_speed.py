"""Sampling that keeps what it computed against one full pass a pixel, in one run."""

import time

import pytest
import torch

from course_lib import runtime
from course_lib.models.autoregressive import AutoregressiveModel, DiagonalBiLSTM, GatedPixelCNN, PixelCNN, RowLSTM

MODELS = {
    "row LSTM": lambda: RowLSTM(event_shape=(1, 28, 28), features=64, layers=3, kernel=9),
    "diagonal BiLSTM": lambda: DiagonalBiLSTM(event_shape=(1, 28, 28), features=64, layers=2),
    "PixelCNN": lambda: PixelCNN(event_shape=(1, 28, 28), features=64, layers=4, kernel=7),
    "gated PixelCNN": lambda: GatedPixelCNN(event_shape=(1, 28, 28), features=32, layers=5),
}
PIXELS = 28  # of the naive way, the rest follows by proportion: every pixel costs it the same full pass


@pytest.mark.parametrize("name", MODELS)
def test_cached_sampling_of_16_digits(name):
    model = MODELS[name]().eval()
    noise = model.noise(16, runtime.generator(0))
    with torch.no_grad():
        began = time.perf_counter()
        digits = model.sample_from_noise(noise)
        cached = time.perf_counter() - began
        start = torch.full((16,), model.dimensions - PIXELS)
        began = time.perf_counter()
        AutoregressiveModel.sample_from_noise(model, noise, digits, start)
        naive = (time.perf_counter() - began) * model.dimensions / PIXELS
    print(f"\n{name}: 16 digits cached {cached:.2f} s, naive {naive:.1f} s: {naive / cached:.0f} times")
    assert naive > 20 * cached

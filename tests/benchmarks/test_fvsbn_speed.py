"""How fast FVSBN draws, against one whole pass a pixel from the same noise."""

import statistics
import time

from course_lib import runtime
from course_lib.models.autoregressive import AutoregressiveModel
from course_lib.training import checkpoints

ROUNDS = 3


def seconds(work, *args):
    began = time.thread_time()
    work(*args)
    return time.thread_time() - began


def test_sampling_16_digits():
    runtime.threads(1)  # a pixel is too little work to share; so its processor time is its time alone
    model = checkpoints.load("fvsbn-mnist")
    noise = model.noise(16, runtime.generator(0))
    same = model.sample_from_noise(noise) == AutoregressiveModel.sample_from_noise(model, noise)
    assert same.float().mean().item() > 0.999  # sums in another order may tip a pixel that stands on the edge
    slow = [seconds(AutoregressiveModel.sample_from_noise, model, noise) for _ in range(ROUNDS)]
    fast = [seconds(model.sample_from_noise, noise) for _ in range(ROUNDS)]
    ratio = statistics.median(s / f for s, f in zip(slow, fast, strict=True))
    best = 1000 * statistics.median(fast)
    print(f"\n\nFVSBN: 16 digits in {best:.0f} ms of one core, {ratio:.0f} times as fast as with a whole pass a pixel")
    assert ratio >= 20
    assert best <= 2000

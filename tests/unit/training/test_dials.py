"""The study of the dials of a flow of digits: which settings are measured, and that each row says what was measured."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.diffusion import samplers
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.nn.velocity import TimedUNet
from course_lib.training import checkpoints, dials, studies


def small_flow():
    runtime.seed(0)
    network = TimedUNet(sides=(8, 8), widths=(8, 8), told=8, rows=4)
    return VelocityFlow(network=network, event_shape=(1, 8, 8), classes=3, low=0.0, high=1.0).eval().requires_grad_(False)


def test_each_sampler_and_the_guidances_have_a_row_in_the_order_of_the_dial(monkeypatch):
    monkeypatch.setattr(dials, "STEPS", (1, 3))
    monkeypatch.setattr(dials, "SAMPLERS", {"Euler": (samplers.EULER, (1, 3)), "Heun": (samplers.HEUN, (3,))})
    monkeypatch.setattr(dials, "GUIDANCES", (0.0, 2.0))
    seen = []

    def judged(made, y):
        seen.append((tuple(made.shape), y.tolist()))
        return {"fid": float(len(seen))}

    rows = dials.measure(small_flow(), judged, 6)
    assert rows["steps-Euler"] == {"dial": [1, 3], "evaluations": [1, 3], "n": 6, "fid": [1.0, 2.0]}
    assert rows["steps-Heun"] == {"dial": [3], "evaluations": [5], "n": 6, "fid": [3.0]}
    assert rows["guidance"] == {"dial": [0.0, 2.0], "n": 6, "steps": dials.GUIDED_STEPS, "fid": [4.0, 5.0]}
    assert seen[0] == ((6, 1, 8, 8), [0, 1, 2, 0, 1, 2])


def test_samples_are_those_of_the_guidance_and_the_sampler_from_one_noise():
    model = small_flow()
    for parameter in model.parameters():
        parameter.data += 0.02
    made, y = dials.drawn(model, 6, 3.0, 4, samplers.EULER)
    wanted = model.given(y, 3.0).sample(6, steps=4, sampler=samplers.EULER, generator=runtime.generator(0))
    assert torch.equal(made, wanted)
    assert not torch.equal(made, dials.drawn(model, 6, 1.0, 4, samplers.EULER)[0])


def test_digits_are_judged_by_share_variance_and_distance():
    class Judge(torch.nn.Module):
        def features(self, x):
            return x.flatten(1)[:, :2]

        def logits(self, x):
            return x.flatten(1)[:, :3]

    x = torch.rand(30, 1, 8, 8, generator=runtime.generator(0))
    judged = dials.Judged(Judge(), x.flatten(1)[:, :2])
    found = judged(x, x.flatten(1)[:, :3].argmax(1))
    assert found["percent_recognised"] == 100
    assert found["fid"] == pytest.approx(0, abs=1e-3)
    assert 0 < found["within_class_variance"] < 0.2


def test_the_shipped_digits_keep_what_the_course_asked_of_them():
    kept = checkpoints.describe("flow-mnist")["metrics"]
    assert kept["percent_recognised_at_2"] >= 97
    assert kept["test_fid_at_1"] <= 8
    assert kept["n_at_1"] == 10_000
    one, two, four = (checkpoints.describe("mean-flow-mnist")["metrics"][f"test_fid_in_{steps}"] for steps in (1, 2, 4))
    assert max(one, two, four) < 7


def test_the_shipped_study_says_what_lesson_23_says():
    rows = {name: row["metrics"] for name, row in studies.read(dials.STUDY).items()}
    guided = rows["guidance"]
    assert guided["dial"] == list(dials.GUIDANCES)
    at = {
        w: {name: guided[name][k] for name in ("percent_recognised", "within_class_variance", "fid")}
        for k, w in enumerate(guided["dial"])
    }
    assert at[1]["percent_recognised"] < 96 < 99 < at[2]["percent_recognised"]
    assert at[8]["within_class_variance"] < 0.5 * at[1]["within_class_variance"]
    assert at[1]["fid"] < 6 < 80 < at[8]["fid"]
    for name, (_, many) in dials.SAMPLERS.items():
        row = rows[f"steps-{name}"]
        assert row["dial"] == list(many)
        assert row["percent_recognised"][0] > 99  # the mean of a class is recognised
        assert row["fid"][0] > 400
    assert rows["steps-Heun"]["fid"][2] < rows["steps-Euler"]["fid"][3] < rows["steps-DDPM"]["fid"][3]  # five evaluations each
    assert rows["steps-DDPM"]["fid"][-1] < rows["steps-Heun"]["fid"][-1]
    assert rows["real"]["fid"] < rows["decoded"]["fid"] < checkpoints.describe("latent-flow-mnist")["metrics"]["test_fid_at_1"]

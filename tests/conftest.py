"""For all tests: no progress bars, a user's folder that is thrown away, and every device that this machine has."""

import pytest
import torch

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"))]


@pytest.fixture(autouse=True)
def _out_of_the_way(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("COURSE_QUIET", "1")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path_factory.mktemp("home")))
    for name in ("COURSE_DEVICE", "COURSE_BUDGET", "COURSE_THREADS", "COURSE_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param

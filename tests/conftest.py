"""For all tests: no progress bars, a user's folder that is thrown away, and every device that this machine has.

PRETEND_CUDA=1 gives a machine without a GPU a pretended one (tests/device/pretend_cuda.py). On a GPU it changes nothing.
"""

import itertools

import pretend_cuda
import pytest

MISSING = pretend_cuda.missing()  # first of all: other modules ask torch for its devices when they are imported
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(bool(MISSING), reason=MISSING or "-"))]


@pytest.fixture(scope="session")
def _homes(tmp_path_factory):
    """The names of fresh folders. `mktemp` would look through all that it made before, and there are thousands of tests."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _out_of_the_way(monkeypatch, _homes):
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("COURSE_QUIET", "1")
    monkeypatch.setenv("COURSE_HOME", str(home))
    for name in ("COURSE_DEVICE", "COURSE_BUDGET", "COURSE_THREADS", "COURSE_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param

"""Where and how long things run: device, seed, threads, budget, progress, folders.

Nothing here knows what a model is. Every choice has one environment variable:

    COURSE_DEVICE   cpu, cuda, cuda:1, mps   (default: the best one present)
    COURSE_BUDGET   smoke, lesson, full      (default: lesson)
    COURSE_THREADS  CPU threads              (default: torch's own choice)
    COURSE_QUIET    1 hides progress bars    (set by the tests)
    COURSE_HOME     the user's own folder: progress and trained models
    COURSE_DATA     the data folder          (default: data/ beside the library)
"""

from __future__ import annotations

import difflib
import os
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

BUDGETS = ("smoke", "lesson", "full")
T = TypeVar("T")


def device(override: str | torch.device | None = None) -> torch.device:
    """CUDA, then Apple's GPU, then the CPU; an argument or COURSE_DEVICE overrides.

    Raises ValueError when the device asked for is unknown or absent.
    """
    asked = override or os.environ.get("COURSE_DEVICE") or None
    if asked is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(asked)
    except RuntimeError as error:
        raise ValueError(f"device {asked!r} is not one torch knows; expected cpu, cuda, cuda:N or mps") from error
    present = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (chosen.index or 0) >= present.get(chosen.type, 0):
        raise ValueError(f"device {str(asked)!r} was asked for, but this machine has none; unset COURSE_DEVICE or use 'cpu'")
    return chosen


def generator(seed: int = 0, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator of its own, seeded: the only source of randomness that a model is given."""
    return torch.Generator(device=device).manual_seed(seed)


def uniform(shape: Sequence[int], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Uniform noise in [0, 1) of this shape, drawn where the generator lives, on the device of `like`, in its type.

    float32 at least: a half-precision uniform number has too few steps for small probabilities.
    """
    drawn_on = generator.device if generator is not None else like.device
    dtype = torch.promote_types(like.dtype, torch.float32) if like.is_floating_point() else torch.float32
    return torch.rand(*shape, generator=generator, device=drawn_on, dtype=dtype).to(like.device)


def standard_normal(shape: Sequence[int], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Standard normal noise of this shape, drawn where the generator lives, in the type and on the device of `like`."""
    drawn_on = generator.device if generator is not None else like.device
    return torch.randn(*shape, generator=generator, device=drawn_on).to(like)


def device_of(model: nn.Module) -> torch.device:
    """The device of a model's parameters, or else of its buffers; the CPU when it has neither."""
    return next((tensor.device for tensors in (model.parameters(), model.buffers()) for tensor in tensors), torch.device("cpu"))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The hint "; did you mean 'nade-mnist'?" for the known name nearest to this one; an empty string when none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def seed(value: int = 0) -> torch.Generator:
    """Seed Python, NumPy (if loaded) and torch on every device; return a CPU generator with that seed."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"a seed is a non-negative integer; got {value!r}")
    random.seed(value)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(value % 2**32)
    torch.manual_seed(value)
    return generator(value)


def threads(count: int | None = None) -> int:
    """Set the number of CPU threads (argument, then COURSE_THREADS) and return the number in use."""
    asked = count if count is not None else os.environ.get("COURSE_THREADS") or None
    if asked is not None:
        try:
            number = int(asked)
        except ValueError:
            number = 0
        if number < 1:
            raise ValueError(f"the number of threads is a positive integer; got {asked!r}")
        torch.set_num_threads(number)
    return torch.get_num_threads()


def budget(override: str | None = None) -> str:
    """How long things may run: "smoke" (seconds), "lesson" (a laptop), "full" (the shipped checkpoints)."""
    chosen = override or os.environ.get("COURSE_BUDGET") or "lesson"
    if chosen not in BUDGETS:
        raise ValueError(f"budget {chosen!r} is unknown; expected one of {', '.join(BUDGETS)}")
    return chosen


def by_budget(*, smoke: T, lesson: T, full: T, override: str | None = None) -> T:
    """The value for the present budget: `epochs = by_budget(smoke=1, lesson=10, full=100)`."""
    return {"smoke": smoke, "lesson": lesson, "full": full}[budget(override)]


def data_dir() -> Path:
    """The folder of data sets and checkpoints that travels with the clone."""
    return Path(os.environ.get("COURSE_DATA") or Path(__file__).resolve().parent.parent / "data")


def user_dir() -> Path:
    """The user's own folder (made when needed): progress and the models they train. Never in the clone."""
    folder = Path(os.environ.get("COURSE_HOME") or Path.home() / ".deep-generative-models")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def quiet() -> bool:
    """True when progress bars are to stay silent (COURSE_QUIET=1, as in the tests)."""
    return os.environ.get("COURSE_QUIET", "") not in ("", "0")


def progress(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Go through `items` with a progress line that leaves nothing behind, and none at all when quiet."""
    return iter(tqdm(items, desc=label, total=total, leave=False, disable=quiet(), file=sys.stdout))


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write to the temporary path given, and it replaces `path` only if all went well: whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

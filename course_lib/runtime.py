"""Where and how long things run: device, seed, threads, budget, progress, folders.

Nothing here knows what a model is. Every choice has one environment variable:

    COURSE_DEVICE   cpu, cuda, cuda:1, mps   (default: CUDA where there is one, otherwise the CPU)
    COURSE_BUDGET   smoke, lesson, full      (default: lesson)
    COURSE_THREADS  CPU threads              (default: torch's own choice, at most the cores that the process may use)
    COURSE_QUIET    1 hides progress bars    (set by the tests)
    COURSE_HOME     the user's own folder: progress and trained models
    COURSE_DATA     the data folder          (default: data/ beside the library)
"""

from __future__ import annotations

import hashlib
import operator
import os
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from course_lib import machine, settings
from course_lib.settings import BUDGETS, budget, by_budget, data_dir, did_you_mean, make_user_dir, quiet, user_dir

__all__ = [
    "BUDGETS", "bf16_supported", "budget", "by_budget", "check_index", "check_seed", "data_dir", "device", "device_of",
    "did_you_mean", "generator", "generator_state", "make_user_dir", "progress", "quiet", "raised_by_the_course",
    "restore_generator", "seed", "standard_normal", "threads", "uniform", "user_dir",
]  # fmt: skip
T = TypeVar("T")

# On recent GPUs, cuDNN rounds the factors of float32 products to 10 binary digits (TF32) unless it is told not to. That moved the
# log-probability of a digit by 0.005 nats. In this course float32 means float32; where less is enough, a recipe says "bfloat16".
torch.backends.cudnn.allow_tf32 = False


def check_index(value: Any, name: str = "n", least: int = 0) -> int:
    """The value as a Python int, where it is an integer (Python's, NumPy's or torch's) of at least `least`; else ValueError.

    JSON, torch's generators and `range` all take a Python int, and not all of them take the others. A bool is no integer here.
    """
    try:
        number = None if isinstance(value, bool) or getattr(value, "dtype", None) is torch.bool else operator.index(value)
    except (TypeError, RuntimeError):  # torch raises RuntimeError where a tensor holds no data
        number = None
    if number is None or number < least:
        fix = f"; int({name}) may do" if isinstance(value, float) and value.is_integer() and value >= least else ""
        raise ValueError(f"{name} is {value!r}; expected an integer of at least {least}{fix}")
    return number


def raised_by_the_course(error: BaseException) -> bool:
    """Whether the error is a refusal of the course's own: a ValueError raised by it, not by torch, NumPy or a student's function.

    Such a refusal says what was expected. What does not, such as an error of `zip` within the course, is no refusal.
    """
    if not isinstance(error, ValueError) or not any(word in str(error) for word in ("expected", "got", "need")):
        return False
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals.get("__name__", "").split(".")[0] == "course_lib"


def device(override: str | torch.device | None = None) -> torch.device:
    """CUDA where there is one, otherwise the CPU; an argument or COURSE_DEVICE overrides, and Apple's GPU must be asked for.

    Each process that torchrun starts gets the GPU with the number of its LOCAL_RANK, unless a number was asked for.
    Raises ValueError when the device asked for is unknown or absent.
    """
    asked = override or os.environ.get("COURSE_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(asked)
    except RuntimeError as error:
        raise ValueError(f"device {asked!r} is not one torch knows; expected cpu, cuda, cuda:N or mps") from error
    rank, fix = os.environ.get("LOCAL_RANK"), "unset COURSE_DEVICE or use 'cpu'"
    if rank and chosen.type == "cuda" and chosen.index is None:
        chosen = torch.device("cuda", int(rank))
        fix = f"start as many processes as there are GPUs: torchrun --nproc-per-node={torch.cuda.device_count()}"
    present = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (chosen.index or 0) >= present.get(chosen.type, 0):
        raise ValueError(f"device {str(chosen)!r} was asked for, but this machine has none; {fix}")
    return chosen


def bf16_supported(device: str | torch.device) -> bool:
    """True where bfloat16 runs in hardware (CUDA from Ampere on), and on the CPU, which computes it rightly, seldom faster."""
    chosen = torch.device(device)
    if chosen.type != "cuda":
        return chosen.type == "cpu"
    with torch.cuda.device(chosen):
        return torch.cuda.is_bf16_supported(including_emulation=False)


def generator(seed: int = 0, device: str | torch.device = "cpu") -> torch.Generator:
    """A seeded generator that shares its state with no other: the only source of randomness that a model is given."""
    return torch.Generator(device=device).manual_seed(check_seed(seed))


def check_seed(value: Any) -> int:
    """The value as a Python int, where it is an integer from 0 to 2**63 - 1; otherwise ValueError."""
    number = check_index(value, "seed")
    if number >= 2**63:
        raise ValueError(f"seed is {number}; expected an integer below 2**63: seed % 2**63")
    return number


def generator_state(generator: torch.Generator) -> dict[str, Any]:
    """The state of a generator and the kind of device it draws on: what `restore_generator` takes."""
    return {"device": generator.device.type, "state": generator.get_state()}


def restore_generator(generator: torch.Generator, kept: Any, name: str = "the run") -> None:
    """Put a generator into the state that `generator_state` returned; it then draws what that one would have drawn.

    The state of one kind of device means nothing on another. There the generator is seeded from a hash of the state, so that the
    same state always continues in the same way, and one printed line says so. Raises ValueError where the state does not fit.
    """
    try:
        if not isinstance(kept, dict):
            raise TypeError(f"it is a {type(kept).__name__}")
        kind, state = kept["device"], kept["state"].cpu()
        if kind == generator.device.type:
            generator.set_state(state)
            return
        digest = hashlib.sha256(bytes(state.tolist())).digest()
    except (TypeError, KeyError, IndexError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"the state of the random numbers of {name} does not fit ({error}); expected what runtime.generator_state returned: "
            "delete the file that it was read from, and the run starts anew"
        ) from error
    generator.manual_seed(int.from_bytes(digest[:7], "big"))
    here = generator.device.type
    print(f"{name} began on {kind} and continues on {here}: from here on it draws other random numbers", flush=True)


def drawing_device(generator: torch.Generator | None, like: Tensor) -> torch.device:
    """Where random numbers are drawn: on the generator's device, or on that of `like`. ValueError for what is no generator."""
    if generator is None:
        return like.device
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator is {generator!r}; expected a torch.Generator or None: runtime.generator(0) makes one")
    return generator.device


def uniform(shape: Sequence[int], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Uniform noise in [0, 1) of this shape, drawn where the generator lives, on the device of `like`, in its type.

    float32 at least: a half-precision uniform number has too few steps for small probabilities.
    """
    drawn_on = drawing_device(generator, like)
    dtype = torch.promote_types(like.dtype, torch.float32) if like.is_floating_point() else torch.float32
    return torch.rand(*shape, generator=generator, device=drawn_on, dtype=dtype).to(like.device)


def standard_normal(shape: Sequence[int], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Standard normal noise of this shape, drawn where the generator lives, in the type and on the device of `like`."""
    drawn_on = drawing_device(generator, like)
    return torch.randn(*shape, generator=generator, device=drawn_on).to(like)


def device_of(model: nn.Module) -> torch.device:
    """The device of a model's parameters, or else of its buffers; the CPU when it has neither."""
    return next((tensor.device for tensors in (model.parameters(), model.buffers()) for tensor in tensors), torch.device("cpu"))


def seed(value: int = 0) -> torch.Generator:
    """Seed Python, NumPy (if loaded) and torch on every device; return a CPU generator with that seed."""
    number = check_seed(value)
    random.seed(number)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(number % 2**32)
    torch.manual_seed(number)
    return generator(number)


def threads(count: int | None = None) -> int:
    """Set the number of CPU threads and return the number in use.

    The argument counts first, then COURSE_THREADS; with neither, torch's own choice stands, but is lowered to `machine.cores()`.
    """
    asked = settings.threads() if count is None else count
    try:
        number = min(torch.get_num_threads(), machine.cores()) if asked is None else check_index(asked, "threads", 1)
    except ValueError as error:
        raise ValueError(f"the number of threads is {asked!r}; expected a positive integer") from error
    if number != torch.get_num_threads():
        torch.set_num_threads(number)
    return torch.get_num_threads()


def _redraws(stream: Any) -> bool:
    """True where a line can be written over: on a terminal and in a notebook, but not in a file or a pipe."""
    return type(stream).__module__.startswith("ipykernel") or (hasattr(stream, "isatty") and stream.isatty())


def progress(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Go through `items` with a progress line that leaves nothing behind; there is none when quiet, nor in a file or a pipe."""
    hidden = quiet() or not _redraws(sys.stdout)
    return iter(tqdm(items, desc=label, total=total, leave=False, disable=hidden, file=sys.stdout))


threads()  # COURSE_THREADS, and the limits of a container, hold from the first import on
with suppress(OSError):  # where there is none, models can still be loaded and shown
    settings.temporary_folder()

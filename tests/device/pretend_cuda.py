"""A pretended CUDA device: it finds, on a machine without a GPU, what would fail on a GPU.

    PRETEND_CUDA=1 pytest tests/unit tests/conformance -k cuda     # tests over CUDA run, on the pretended device

Tensors on "cuda" hold real data in ordinary memory, under torch's own dispatch key for CUDA. A CPU build of torch registers
nothing for that key; `pretend_cuda.cpp` registers an allocator, generators and one function that checks what a GPU would refuse
and then calls the CPU's kernel. This file compiles and loads it, reads from torch's table of operators what a GPU refuses, and
replaces the functions of `torch.cuda`. It also counts kernels and the host's waits: `watch` by line of code.

It needs Linux, a CPU build of the torch that it was tried with, a C++20 compiler and PyYAML. The first use compiles for half a
minute and keeps the result in the user's cache folder. Device types, refusals of mixed devices, autocast's lists and fused
optimisers are torch's own here. Left out are: time, memory and its limit, streams, the order of atomic additions, the numbers
that a real generator draws, cuDNN's fused recurrent layers, CUDA graphs, and contexts that die from an index out of range.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

SOURCE = Path(__file__).resolve().with_suffix(".cpp")
TRIED = "2.13."  # the torch whose table of CUDA hooks the C++ file replaces


class Unavailable(RuntimeError):
    """The device cannot be pretended here; the message says why."""


def install() -> None:
    """Make the device appear, for the rest of this process; `hidden` hides it for a while. Raises Unavailable."""
    if getattr(torch.cuda, "_pretended", False):
        return
    if torch.version.cuda or torch.version.hip:
        raise Unavailable("this build of torch has its own CUDA device, and no GPU was found")
    if not sys.platform.startswith("linux"):
        raise Unavailable("a CUDA device is pretended on Linux only")
    if not torch.__version__.startswith(TRIED):
        raise Unavailable(f"a CUDA device is pretended with torch {TRIED}x only; this is torch {torch.__version__}")
    try:
        torch.ops.load_library(str(_compiled()))
    except OSError as error:
        raise Unavailable(f"the compiled device does not load ({error})") from error
    native = torch.ops.pretend_cuda
    native.rules(*_rules())
    _replace_functions_of_torch_cuda(native)
    torch.nn.modules.module.register_module_forward_pre_hook(_refuse_states_as_cudnn_does)
    torch.nn.modules.module.register_module_forward_hook(_refuse_backward_as_cudnn_does)
    torch.cuda._pretended = True


def missing() -> str:
    """Install the device where PRETEND_CUDA=1 asks for it and there is no GPU; return why there is no CUDA device, if so."""
    if torch.cuda.is_available():
        return ""
    if os.environ.get("PRETEND_CUDA") != "1":
        return "no CUDA device here"
    try:
        install()
    except Unavailable as error:
        return f"no CUDA device here, and none pretended: {error}"
    return ""


def _compiled() -> Path:
    """The compiled device, made on first use with this torch and this Python. Several processes may make it at once."""
    key = hashlib.sha256(SOURCE.read_bytes() + torch.__version__.encode() + sys.version.encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deep-generative-models"
    library = folder / f"pretend_cuda_{key}.so"
    if library.exists():
        return library
    compiler = next((found for name in ("c++", "g++", "clang++") if (found := shutil.which(name))), None)
    if compiler is None:
        raise Unavailable("there is no C++ compiler")
    unfinished = library.with_suffix(f".{os.getpid()}.tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        command = [compiler, *_flags(), "-o", str(unfinished)]
        ended = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        if ended.returncode:
            raise Unavailable(f"the compiler refused: {next((s for s in ended.stderr.splitlines() if 'error' in s), '')}")
        os.replace(unfinished, library)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written ({error.strerror})") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return library


def _flags() -> list[str]:
    """What the compiler is told; linkers want the libraries after the file that uses them."""
    from torch.utils import cpp_extension  # slow to import

    libraries = Path(torch.__file__).parent / "lib"
    includes = [f"-I{path}" for path in cpp_extension.include_paths()]
    return ["-shared", "-fPIC", "-O1", "-std=c++20", *includes, str(SOURCE), f"-L{libraries}", "-ltorch_cpu", "-ltorch", "-lc10"]


def _rules() -> tuple[list[str], list[str]]:
    """From torch's own table: the operators that accept 0-dim CPU tensors, and those with a CPU kernel but no CUDA kernel."""
    import torchgen
    import yaml

    text = (Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml").read_text(encoding="utf-8")
    table = {row["func"].split("(")[0]: row for row in yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))}
    unchecked, absent = [], []
    for name, row in table.items():
        rows = [row, table[row["structured_delegate"]]] if "structured_delegate" in row else [row]
        kernels = {key.strip() for each in rows for keys in (each.get("dispatch") or {}) for key in keys.split(",")}
        if row.get("device_check") == "NoCheck":
            unchecked.append(name)
        if "CPU" in kernels and "CUDA" not in kernels and not any(key.startswith("Composite") for key in kernels):
            absent.append(name)
    return unchecked, absent


class _Properties:  # what torch.cuda.get_device_properties says
    name, major, minor, total_memory, multi_processor_count = "pretend", 9, 0, 80 * 2**30, 132


def _replace_functions_of_torch_cuda(native) -> None:
    """Give torch.cuda the functions that a CUDA build has, answered by the pretended device."""
    cuda, nothing = torch.cuda, lambda *_, **__: None

    def exchange(index: int) -> int:
        before = native.current_device()
        if index >= 0:
            native.set_device(index)
        return before

    cuda.is_available = lambda: native.device_count() > 0
    cuda.device_count = lambda: native.device_count()
    cuda.is_initialized = lambda: True
    cuda.current_device = lambda: native.current_device()
    cuda.set_device = lambda device: native.set_device(torch.device(device).index or 0)
    cuda.get_device_properties = lambda *_: _Properties
    cuda.get_device_name = lambda *_: _Properties.name
    cuda.get_device_capability = lambda *_: (_Properties.major, _Properties.minor)
    cuda.is_bf16_supported = lambda *_, **__: True
    cuda._exchange_device = cuda._maybe_exchange_device = exchange  # what `with torch.cuda.device(…)` calls
    cuda.mem_get_info = lambda *_: (_Properties.total_memory, _Properties.total_memory)
    cuda._lazy_init = cuda.synchronize = cuda.empty_cache = cuda.init = cuda.reset_peak_memory_stats = nothing
    cuda.memory_allocated = cuda.max_memory_allocated = cuda.memory_reserved = lambda *_: 0
    cuda.is_current_stream_capturing = lambda: False
    cuda.default_generators = tuple(native.default_generator(index) for index in range(native.device_count()))
    cuda.random._lazy_init, cuda.random.is_initialized = nothing, cuda.is_initialized
    cuda.random.device_count, cuda.random.current_device = cuda.device_count, cuda.current_device
    cuda.random._lazy_call = lambda callback, **_: callback()
    torch.backends.cudnn.is_acceptable = lambda _: False  # else torch warns that this build lacks cuDNN
    clone = torch.storage._StorageBase.clone

    def cloned(storage):  # called by copy.deepcopy of a tensor; a CPU build makes storages on the CPU only
        if storage.device.type != "cuda":
            return clone(storage)
        return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage).clone().untyped_storage()

    torch.storage._StorageBase.clone = cloned


def _refuse_states_as_cudnn_does(module, given) -> None:
    """cuDNN takes the first states of a recurrent layer only where they are contiguous."""
    if not isinstance(module, torch.nn.RNNBase) or len(given) < 2 or given[1] is None or not torch.backends.cudnn.enabled:
        return
    states = given[1] if isinstance(given[1], tuple) else (given[1],)
    if any(state.is_cuda and not state.is_contiguous() for state in states):
        raise RuntimeError("rnn: hx is not contiguous")


def _refuse_backward_as_cudnn_does(module, _, output) -> None:
    """cuDNN can go backward through a recurrent layer in training mode only."""
    if not isinstance(module, torch.nn.RNNBase) or module.training or not torch.backends.cudnn.enabled:
        return
    shown = output[0].data if isinstance(output[0], torch.nn.utils.rnn.PackedSequence) else output[0]
    if shown.is_cuda and shown.requires_grad:

        def refuse(_):
            raise RuntimeError("cudnn RNN backward can only be called in training mode")

        shown.register_hook(refuse)


@contextmanager
def hidden() -> Iterator[None]:
    """Inside the block the machine has no GPU: a test can save on one kind of machine and resume on another."""
    torch.ops.pretend_cuda.enable(False)
    try:
        yield
    finally:
        torch.ops.pretend_cuda.enable(True)


def counts() -> Counter[str]:
    """Since the last `reset`: kernels by operator; "sync …" where the host waits; copies "host to device"."""
    return Counter(dict(torch.ops.pretend_cuda.counts()))


def reset() -> None:
    torch.ops.pretend_cuda.reset()


def summary() -> dict[str, int]:
    """Since the last `reset`: how many kernels, waits of the host, and copies to the device."""
    return dict(zip(("kernels", "waits", "copies"), torch.ops.pretend_cuda.totals(), strict=True))


class watch(TorchDispatchMode):
    """Counts kernels, the host's waits and copies to the device, each by the line of code that caused it.

    with watch("course_lib") as seen: …;  seen.kernels.most_common(5), seen.waits, seen.copies

    under: a part of the path of the code that is watched. The innermost such line is named; a backward pass is "elsewhere".
    """

    def __init__(self, under: str):
        super().__init__()
        self.under = under
        self.kernels, self.waits, self.copies = (Counter[str]() for _ in range(3))
        self._before = torch.ops.pretend_cuda.totals()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        now = torch.ops.pretend_cuda.totals()
        if now != self._before:  # this counts also what making the arguments caused, such as an index from a list
            line = self._line()
            for place, old, new in zip((self.kernels, self.waits, self.copies), self._before, now, strict=True):
                if new > old:
                    place[line] += new - old
            self._before = now
        return result

    def _line(self) -> str:
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if self.under in name and "site-packages" not in name and name != __file__:
                return f"{name[name.index(self.under) :]}:{frame.f_lineno}"
            frame = frame.f_back
        return "elsewhere"

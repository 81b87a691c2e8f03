"""The IDX format of the MNIST files: a magic number, the sizes, then unsigned bytes."""

from __future__ import annotations

import gzip
import importlib
import math
import zlib
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor


def read_idx(path: Path) -> Tensor:
    """The bytes of an IDX file, packed by gzip (.gz) or xz (.xz) or not, as a uint8 tensor of the shape that it declares.

    ValueError if it is no such file.
    """
    opener, damaged = open, ()
    if path.suffix == ".gz":
        opener, damaged = gzip.open, (gzip.BadGzipFile, zlib.error)
    elif path.suffix == ".xz":
        lzma = _lzma(path)
        opener, damaged = lzma.open, (lzma.LZMAError,)
    try:
        with opener(path, "rb") as file:
            raw = file.read()
    except (EOFError, *damaged) as error:
        raise ValueError(f"{path} cannot be unpacked: {error}; it is cut short or damaged: download it again") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != 8:
        raise ValueError(f"{path} starts with {raw[:4]!r}; expected the IDX magic number of unsigned bytes, 00 00 08 n")
    axes = raw[3]
    header = 4 + 4 * axes
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    if len(raw) - header != math.prod(shape):
        raise ValueError(f"{path} holds {len(raw) - header} values; its header declares {shape}: it is cut short")
    return torch.frombuffer(bytearray(raw[header:]), dtype=torch.uint8).reshape(shape)


def _lzma(path: Path) -> ModuleType:
    """Python's module for .xz files, which a Python that was compiled without the library xz lacks."""
    try:
        return importlib.import_module("lzma")
    except ImportError as error:
        fix = "install xz (Debian: liblzma-dev, macOS: brew install xz) and this Python anew, or take another Python"
        raise ValueError(f"{path} cannot be unpacked: this Python was built without lzma; {fix}") from error

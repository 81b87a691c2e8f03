"""Files that are not what they should be: cut short, empty, foreign, a folder, a pipe, newer. Each is refused with the fix.

Every kind of file that the course reads meets every kind of damage, at first under its old checksum, then listed anew.
"""

import json
import os
import re
import shutil
import zlib

import pytest
import torch
from safetensors.torch import save_file

from course_lib import datasets, runtime
from course_lib.datasets import manifest
from course_lib.files import DataFileError, NewerFormatError
from course_lib.training import checkpoints, films, states, studies

READ = {  # file of data/ -> what reads it
    "mnist/train-images-idx3-ubyte.xz": lambda: datasets.load("mnist"),
    "mnist/train-labels-idx1-ubyte.gz": lambda: datasets.load("mnist"),
    "mnist/t10k-images-idx3-ubyte.xz": lambda: datasets.load("mnist_patches", "test"),
    "mnist/t10k-labels-idx1-ubyte.gz": lambda: datasets.load("mnist", "test"),
    "fashion_mnist/t10k-images-idx3-ubyte.xz": lambda: datasets.load("fashion"),
    "fashion_mnist/t10k-labels-idx1-ubyte.gz": lambda: datasets.load("fashion"),
    "text/pride_and_prejudice.txt": lambda: datasets.load("novel"),
    "series/old_faithful.csv": lambda: datasets.load("old_faithful"),
    "series/sunspots.csv": lambda: datasets.load("sunspots", "test"),
    "studies/critics.json": lambda: studies.read("critics"),
    "films/wgan-mnist.film": lambda: films.read(films.path("wgan-mnist")),
    "checkpoints/fvsbn-mnist.json": lambda: checkpoints.load("fvsbn-mnist"),
    "checkpoints/fvsbn-mnist.safetensors": lambda: checkpoints.load("fvsbn-mnist"),
}
UNLISTED = ("films/", "checkpoints/")  # read without the list of checksums: a checkpoint keeps its own


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_link_to_itself(path):
    path.unlink()
    path.symlink_to(path)


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut short": cut,
    "of another program": lambda path: path.write_bytes(b"PK\3\4 \xff"),
    "a page of a web server": lambda path: path.write_bytes(b"<!DOCTYPE html>\n<title>404</title>\n"),
    "nested too deep": lambda path: path.write_bytes(b"[" * 100_000),
    "missing": lambda path: path.unlink(),
    "a folder": a_folder,
    "a link to itself": a_link_to_itself,
    **({"a pipe": a_pipe} if hasattr(os, "mkfifo") else {}),
}
A_TEXT = [("text/pride_and_prejudice.txt", "cut short"), ("text/pride_and_prejudice.txt", "nested too deep")]
NO_FILE = ("missing", "a folder", "a link to itself", "a pipe")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder of links, in which a file can be damaged after `own` has made a copy of it."""
    for name in READ:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(runtime.data_dir() / name)
    shutil.copy(runtime.data_dir() / "SHA256SUMS", tmp_path)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def own(path):
    """The file as a copy that may be changed."""
    original = path.resolve()
    path.unlink()
    shutil.copyfile(original, path)
    return path


def list_anew(data, name):
    """Put the present checksum of a file of data/ into the list."""
    listing, digest = data / "SHA256SUMS", manifest.sha256(data / name)
    listing.write_text(re.sub(f"(?m)^.*  {name}$", f"{digest}  {name}", listing.read_text()))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", READ)
def test_a_damaged_file_is_named_with_the_fix(name, damage, data):
    path = own(data / name)
    DAMAGES[damage](path)
    with pytest.raises(DataFileError, match=rf"{path.stem}.*(?s:.*)fix: .*git checkout"):
        READ[name]()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (name, damage)
        for name in READ
        for damage in DAMAGES
        if not name.startswith(UNLISTED) and damage not in NO_FILE and (name, damage) not in A_TEXT
    ],
)
def test_a_damaged_file_whose_checksum_is_listed_is_named_too(name, damage, data):
    DAMAGES[damage](own(data / name))
    list_anew(data, name)
    with pytest.raises(DataFileError, match=rf"{name} does not hold what it should .*fix: `git checkout -- data/{name}`"):
        READ[name]()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("series/sunspots.csv", "year,number\n" + "1700,5\n" * 308),
        ("series/sunspots.csv", "year,number\n" + "1700,nan\n" * 309),
        ("series/old_faithful.csv", "a,b,c\n" + "1,2,3\n" * 272),
        ("studies/critics.json", "[]"),
        ("studies/critics.json", '{"one": 3}'),
    ],
)
def test_what_has_another_shape_is_refused(name, content, data):
    own(data / name).write_text(content)
    list_anew(data, name)
    with pytest.raises(DataFileError, match=f"{name} does not hold what it should .*expected.*fix"):
        READ[name]()


def test_images_of_another_set_under_the_right_name_are_refused(data):
    name = "mnist/train-images-idx3-ubyte.xz"
    shutil.copyfile(data / "mnist/t10k-images-idx3-ubyte.xz", own(data / name))
    list_anew(data, name)
    with pytest.raises(DataFileError, match=r"shape \(10000, 28, 28\); expected \(60000, 28, 28\)"):
        READ[name]()


def test_an_empty_list_of_checksums_has_a_fix(data):
    (data / "SHA256SUMS").write_text("")
    with pytest.raises(DataFileError, match="fix: `git checkout -- data/SHA256SUMS`"):
        datasets.load("sunspots")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read every file")
def test_a_file_that_may_not_be_read_is_said_to_be_so(data):
    own(data / "series/sunspots.csv").chmod(0)
    with pytest.raises(DataFileError, match="cannot be read"):
        datasets.load("sunspots")


def test_a_disk_that_fails_while_a_file_is_read_is_said(data, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(manifest, "sha256", fail)
    own(data / "series/sunspots.csv")
    with pytest.raises(DataFileError, match=r"sunspots.csv cannot be read \(Input/output error\); fix"):
        datasets.load("sunspots")


# What a checkpoint's JSON says


@pytest.mark.parametrize(
    "changes",
    [
        {"configuration": [1]}, {"configuration": None}, {"class": 5}, {"class": None}, {"sha256": None}, {"format": 1e400},
        {"format": []}, {"configuration": {"event_shape": [-1]}}, {"configuration": {"event_shape": [10**15], "order": None}},
    ],
    ids=str,
)  # fmt: skip
def test_a_description_of_another_form_is_damaged(changes, data):
    path = own(data / "checkpoints/fvsbn-mnist.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DataFileError, match="fix: `git checkout"):
        checkpoints.load("fvsbn-mnist")


@pytest.mark.parametrize("name", [None, 5, "", "../fvsbn-mnist", "a\0b"])
def test_a_name_that_no_checkpoint_can_have_is_refused_in_words(name, data):
    with pytest.raises(ValueError, match="no checkpoint is called"):
        checkpoints.load(name)


# What a film says about its frames

FILM = {"format": 1, "shape": [2, 3], "type": "float16", "span": None, "steps": [0, 1], "scalars": {}}


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({}, 6), ({}, 24), ({"shape": [-2, 3]}, 12), ({"shape": [10**9, 10**12]}, 12), ({"shape": [2.0, 3]}, 12),
        ({"shape": None}, 12), ({"type": "O"}, 12), ({"type": "float64"}, 48), ({"span": [1]}, 12), ({"span": "ab"}, 12),
        ({"steps": [0]}, 12), ({"scalars": {"loss": [1.0]}}, 12), ({"scalars": "x"}, 12), ({"format": "2"}, 12),
    ],
    ids=str,
)  # fmt: skip
def test_a_film_whose_parts_do_not_fit_is_damaged(changes, size, tmp_path):
    path = tmp_path / "one.film"
    frames = torch.frombuffer(bytearray(zlib.compress(bytes(size))), dtype=torch.uint8)
    save_file({"frames": frames}, path, metadata={"film": json.dumps(FILM | changes)})
    with pytest.raises(DataFileError, match="is no film, or damaged"):
        films.read(path)


def test_one_wrong_byte_in_the_frames_of_a_film_is_seen(tmp_path):
    path, packed = tmp_path / "one.film", bytearray(zlib.compress(bytes(range(12)), 0))  # level 0 stores the bytes as they are
    place = packed.index(bytes(range(12)))
    for wrong in (False, True):
        packed[place] ^= wrong
        frames = torch.frombuffer(packed, dtype=torch.uint8).clone()
        save_file({"frames": frames}, path, metadata={"film": json.dumps(FILM)})
        if not wrong:
            assert films.read(path).frames.shape == (2, 3)
    with pytest.raises(DataFileError, match="is no film, or damaged"):
        films.read(path)


def test_a_newer_film_is_whole_and_its_fix_is_another(tmp_path):
    path = tmp_path / "one.film"
    save_file({"frames": torch.zeros(1, dtype=torch.uint8)}, path, metadata={"film": json.dumps(FILM | {"format": 9})})
    with pytest.raises(NewerFormatError, match="has format 9, and this version of the course reads format 1; fix: update"):
        films.read(path)


# The state of an unfinished run


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_says_that_the_run_begins_anew_without_it(damage, tmp_path):
    path = tmp_path / "one.state"
    states.write(path, {"a": torch.zeros(2)}, {})
    DAMAGES[damage](path)
    for read in (states.read, states.read_extra):
        with pytest.raises(DataFileError, match=r"one\.state is damaged .*fix: delete it"):
            read(path)


def test_a_state_nested_too_deep_is_damaged(tmp_path):
    path = tmp_path / "one.state"
    save_file({}, path, metadata={"tree": "[" * 100_000, "extra": "{}"})
    with pytest.raises(DataFileError, match="fix: delete it"):
        states.read(path)


def test_the_undamaged_files_are_read(data):
    for name, read in READ.items():
        if "train-" not in name:  # which takes longest to unpack
            own(data / name)
            list_anew(data, name)
            read()

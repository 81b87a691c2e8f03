"""What enters an explorer and is not what its signature says is refused in words, before anything is drawn."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from explorers import EXPLORERS
from torch import Tensor, nn

from course_lib import runtime
from course_lib.explore.kit import entry
from course_lib.explore.kit.given import MAY_BE_EMPTY


class Asked(Exception):
    """Carries an explorer and its arguments out of the builder of its row, before it is built."""


def asked(name, monkeypatch):
    def stop(build, given, named):
        raise Asked(build, given, named)

    with monkeypatch.context() as patch:
        patch.setattr(entry, "check_given", stop)
        try:
            EXPLORERS[name]()
        except Asked as found:
            return found.args
    raise AssertionError(f"{name} looks at none of its arguments")


@pytest.mark.parametrize("name", sorted(EXPLORERS))
def test_no_explorer_takes_what_is_none_of_its_annotation(name, monkeypatch):
    build, given, named = asked(name, monkeypatch)
    entry.check_given(build, given, named)
    whole = inspect.signature(build).bind(*given, **named)
    whole.apply_defaults()
    for argument, value in whole.arguments.items():
        bad = [object(), math.nan] + [[]] * (not isinstance(value, (list, tuple, dict)))
        bad += [value.numpy(), value[:0], value.float() * math.nan, value.to("meta")] if isinstance(value, Tensor) else []
        for odd in bad:
            if inspect.signature(build).parameters[argument].annotation == inspect.Parameter.empty:
                continue
            changed = inspect.signature(build).bind(*given, **named)
            changed.arguments[argument] = odd
            with pytest.raises(ValueError, match="expected") as refused:
                entry.check_given(build, changed.args, changed.kwargs)
            assert str(refused.value).startswith(f"{build.__name__}: {argument}")


ZEROS = torch.zeros(2)


@entry.explorer
def toy(
    x: Tensor = ZEROS,
    model: nn.Module | None = None,
    *,
    steps: int = 1,
    share: float = 0.5,
    name: str = "a",
    shown: bool = True,
    many: Sequence[Tensor] = (ZEROS,),
    by_name: Mapping[str, tuple[nn.Module, int]] | None = None,
    draw: Callable[[Tensor], Tensor] = torch.exp,
    either: int | str = 1,
    pages: Annotated[Sequence[int], MAY_BE_EMPTY] = (),
    span: tuple[float, float] = (0, 1),
    anything: Any = None,
):
    return "drawn"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": None}, "x is None; expected a tensor"),
        ({"x": np.zeros(3)}, r"x is a ndarray of float64 and shape \(3,\); expected a tensor: torch.as_tensor\(x\)"),
        ({"x": torch.tensor(1.0)}, "along at least one axis"),
        ({"x": torch.eye(2).to_sparse()}, "expected a tensor of real numbers"),
        ({"x": torch.tensor([math.nan])}, r"x has NaN in it; expected numbers: torch.nan_to_num\(x\)"),
        ({"model": "vae-mnist"}, "model is 'vae-mnist'; expected a Module"),
        ({"steps": -1}, "steps is -1; expected an integer of at least 0"),
        ({"steps": True}, "steps is True; expected an integer"),
        ({"share": math.inf}, "share is inf; expected a finite number"),
        ({"share": "half"}, "share is 'half'; expected a finite number"),
        ({"share": 10**400}, "expected a finite number"),
        ({"name": 3}, "name is 3; expected a str"),
        ({"shown": None}, "shown is None; expected a bool"),
        ({"many": []}, r"many is \[\]; expected a list with something in it"),
        ({"many": "text"}, "many is 'text'; expected a list"),
        ({"many": [torch.zeros(1), None]}, r"many\[1\] is None; expected a tensor"),
        ({"by_name": {}}, "by_name is {}; expected a dict with something in it"),
        ({"by_name": {"a": (nn.Identity(), 1, 2)}}, r"by_name\['a'\] is a tuple; expected a tuple of 2 parts"),
        ({"by_name": {"a": (None, 1)}}, r"by_name\['a'\]\[0\] is None; expected a Module"),
        ({"by_name": {1: (nn.Identity(), 1)}}, "a key of by_name is 1; expected a str"),
        ({"draw": 3}, "draw is 3; expected a function"),
        ({"either": 1.5}, "either is 1.5; expected an int or a str"),
        ({"pages": [1, "b"]}, r"pages\[1\] is 'b'; expected an integer"),
        ({"span": (0, math.nan)}, r"span\[1\] is nan; expected a finite number"),
    ],
)
def test_the_refusal_names_the_argument_what_came_and_what_was_expected(given, said):
    with pytest.raises(ValueError, match=f"^toy: .*{said}") as refused:
        toy(**given)
    assert "expected" in str(refused.value)


def test_what_fits_passes():
    assert toy() == "drawn"
    whole = {"x": torch.arange(3), "model": nn.Identity(), "steps": np.int64(0), "share": torch.tensor(1.0), "either": "b"}
    lists = {"by_name": {"a": (nn.Identity(), 2)}, "many": [torch.ones(2).half()], "pages": range(2)}
    assert toy(**whole, **lists, anything=object()) == "drawn"
    assert toy(pages=[], span=[0, 1]) == "drawn"


def wrong_shapes():
    from course_lib.explore.adversarial.critic_by_network import critic_by_network
    from course_lib.explore.adversarial.critic_film import critic_film
    from course_lib.explore.adversarial.pairings import pairings
    from course_lib.explore.course.everyone import everyone_answers
    from course_lib.explore.course.generations import own_samples
    from course_lib.explore.course.guessing import real_or_generated
    from course_lib.explore.energy.chains import chain_player
    from course_lib.explore.latent.codes import latent_plane
    from course_lib.explore.latent.posterior import drag_q
    from course_lib.models.energy.rbm import RBM
    from course_lib.models.latent import VAE
    from course_lib.training.films import Recording

    film, digits, plane = Recording(torch.zeros(1, 2, 2), [0], {}), torch.zeros(30, 1, 4, 4), torch.rand(5, 2)
    return {
        "critic_by_network": lambda: critic_by_network(torch.zeros(3, 1), torch.zeros(3)),
        "critic_film, real": lambda: critic_film({"a": film}, torch.zeros(3), seeds=1),
        "critic_film, seeds": lambda: critic_film({"a": film}, plane, seeds=0),
        "pairings": lambda: pairings(torch.zeros(3), torch.zeros(3, 2), [None]),
        "everyone_answers": lambda: everyone_answers({"a": {"b": nn.Identity()}}, torch.zeros(28, 28)),
        "own_samples": lambda: own_samples(torch.zeros(5, 2), torch.exp),
        "real_or_generated": lambda: real_or_generated({"a": digits}, [digits], length=0),
        "chain_player": lambda: chain_player({"a": RBM(event_shape=(1, 4, 4), hidden=2)}, digits, drawing=torch.zeros(3)),
        "latent_plane": lambda: latent_plane(torch.exp, plane, torch.zeros(3)),
        "drag_q": lambda: drag_q(VAE(event_shape=(1, 4, 4), latent=2, hidden=(3,)), torch.zeros(4, 4)),
    }


@pytest.mark.parametrize("name", wrong_shapes())
def test_a_wrong_shape_is_refused_in_words(name):
    with pytest.raises(ValueError, match="expected") as refused:
        wrong_shapes()[name]()
    assert runtime.raised_by_the_course(refused.value)

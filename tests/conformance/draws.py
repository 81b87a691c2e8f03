"""What the draws of every model with `sample` must do, whatever its kind."""

import pytest
import torch

from course_lib import runtime


def depend_on_the_generator_alone(model, device, n=20):
    """The same generator gives the same samples, another one others; torch's global state is neither read nor changed."""
    first = model.sample(n, generator=runtime.generator(4, device))
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert torch.equal(first, model.sample(n, generator=runtime.generator(4, device)))
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(first, model.sample(n, generator=runtime.generator(5, device)))
    with pytest.raises(ValueError, match="n is 0"):
        model.sample(0)

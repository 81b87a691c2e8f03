"""The explorers of energy models, for the sweep over all controls."""

from small_models import seeded


def _machines():
    from course_lib.models.energy.rbm import RBM

    with seeded():
        made = {"small": RBM(event_shape=(1, 28, 28), hidden=5, scale=0.3), "wider": RBM(event_shape=(1, 28, 28), hidden=30)}
    return {name: machine.requires_grad_(False) for name, machine in made.items()}


def _chain_player():
    import torch

    from course_lib import runtime
    from course_lib.explore.energy.chains import chain_player

    digits = (torch.rand(60, 1, 28, 28, generator=runtime.generator(1)) < 0.2).float()
    return chain_player(_machines(), digits, drawing=digits[0])


def _ladder():
    from course_lib.explore.energy.rungs import ladder_of_temperatures

    return ladder_of_temperatures()


def _bridge():
    from course_lib import runtime
    from course_lib.explore.energy.both_sides import bridge
    from course_lib.metrics.partition import bridge as measured

    machines = _machines()
    generator = runtime.generator(0)
    found = {
        name: measured(machine, machine.sample(12, steps=3, generator=generator), [1, 4, 10], chains=10, generator=generator)
        for name, machine in machines.items()
    }
    return bridge(found, {"small": machines["small"].log_partition().item()})


EXPLORERS = {
    "chains.chain_player": _chain_player,
    "rungs.ladder_of_temperatures": _ladder,
    "both_sides.bridge": _bridge,
}

"""The explorers of autoregressive models, for the sweep over all controls."""

from small_models import digits, made, seeded


def _pixel_player():
    from course_lib.explore.autoregressive.pixels import pixel_player

    return pixel_player({"MADE": made()}, digits(), streams=2)


def _order_explorer():
    from course_lib.explore.autoregressive.pixels import order_explorer

    return order_explorer(made(any_order=True), digits())


def _erase_and_complete():
    from course_lib.explore.autoregressive.completion import erase_and_complete

    return erase_and_complete(made(any_order=True), digits(), raster=made(), copies=3)


def _erase_and_complete_in_rounds():
    from course_lib.explore.autoregressive.completion import erase_and_complete
    from course_lib.models.diffusion.masked import MaskedDiffusion

    with seeded():
        masked = MaskedDiffusion(event_shape=(1, 28, 28), widths=(8, 8), told=4).eval().requires_grad_(False)
    return erase_and_complete(masked, digits(), raster=made(), copies=2)


def _bits_as_you_draw():
    from course_lib.explore.autoregressive.compression import bits_as_you_draw

    return bits_as_you_draw({"MADE": made(), "another": made()}, digits())


def _forecaster():
    from course_lib.datasets import load
    from course_lib.explore.autoregressive.series import forecaster

    series, years = load("sunspots")
    return forecaster(series[:60], years[:60], learned=40, lags=3, most=5, ahead=12)


def _receptive_fields():
    from course_lib.explore.autoregressive.receptive import receptive_fields
    from course_lib.models.autoregressive import GatedPixelCNN, RowLSTM

    kinds = {"gated PixelCNN": GatedPixelCNN, "Row LSTM": RowLSTM}
    with seeded():
        return receptive_fields({name: kind(event_shape=(1, 9, 8), features=2, layers=2) for name, kind in kinds.items()})


def _keep_rows():
    import torch

    from course_lib import runtime
    from course_lib.explore.autoregressive.rows import keep_rows
    from course_lib.models.autoregressive import DiagonalBiLSTM, PixelCNN

    kinds = {"PixelCNN": PixelCNN, "Diagonal BiLSTM": DiagonalBiLSTM}
    with seeded():
        models = {name: kind(event_shape=(1, 6, 5), features=4, layers=1).requires_grad_(False) for name, kind in kinds.items()}
    return keep_rows(models, (torch.rand(3, 1, 6, 5, generator=runtime.generator(1)) < 0.4).float(), copies=3)


EXPLORERS = {
    "pixels.pixel_player": _pixel_player,
    "pixels.order_explorer": _order_explorer,
    "completion.erase_and_complete": _erase_and_complete,
    "completion.erase_and_complete/rounds": _erase_and_complete_in_rounds,
    "compression.bits_as_you_draw": _bits_as_you_draw,
    "series.forecaster": _forecaster,
    "receptive.receptive_fields": _receptive_fields,
    "rows.keep_rows": _keep_rows,
}

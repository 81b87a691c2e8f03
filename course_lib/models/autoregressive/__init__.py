"""Autoregressive models: log p(x) = sum over d of log p(x_d | those before it in the order)."""

from course_lib.models.autoregressive.fvsbn import FVSBN
from course_lib.models.autoregressive.linear import LinearAutoregression
from course_lib.models.autoregressive.made import MADE
from course_lib.models.autoregressive.made_any_order import AnyOrderMADE
from course_lib.models.autoregressive.nade import NADE
from course_lib.models.autoregressive.nade_mixture import MixtureNADE
from course_lib.models.autoregressive.orderless import OrderlessNADE
from course_lib.models.autoregressive.pixel_cnn import GatedPixelCNN, PixelCNN
from course_lib.models.autoregressive.pixel_orders import orders
from course_lib.models.autoregressive.pixel_rnn import DiagonalBiLSTM, RowLSTM
from course_lib.models.inputs import check_order
from course_lib.models.protocols import AutoregressiveModel

__all__ = [
    "FVSBN", "MADE", "NADE", "AnyOrderMADE", "AutoregressiveModel", "DiagonalBiLSTM", "GatedPixelCNN", "LinearAutoregression",
    "MixtureNADE", "OrderlessNADE", "PixelCNN", "RowLSTM", "check_order", "orders",
]  # fmt: skip

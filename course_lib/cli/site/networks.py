"""Trained decoders as what assets/networks.js runs in a page: a list of layers, and the weights as half-precision bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.models.latent import VAE
from course_lib.models.latent.autoencoder import Autoencoder
from course_lib.nn.dense import GatedLinear

WITHOUT_WEIGHTS = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.Flatten: "flatten"}


def decoder(model: VAE | Autoencoder) -> dict[str, Any]:
    """The network from a code to the mean of p(x | z) or the reconstruction, as JSON: layers, weights, shape of the picture."""
    network, squashed = (
        (model.decoder, model.output == "bernoulli") if isinstance(model, VAE) else (model.to_data, model.output == "sigmoid")
    )
    described = network_description(nn.Sequential(network, nn.Sigmoid()) if squashed else network)
    return {**described, "shape": list(model.event_shape)}


def network_description(network: nn.Module) -> dict[str, Any]:
    """The layers of a network in their order, and all its weights in the same order, as JSON.

    Raises ValueError for a layer that networks.js does not know, and for a weight that half precision cannot hold.
    """
    layers, weights = [], []
    for layer, parameters in _layers(network):
        layers.append(layer)
        weights += parameters
    return {
        "layers": layers,
        "weights": halves(torch.cat([w.detach().flatten() for w in weights]) if weights else torch.empty(0)),
    }


def halves(values: Tensor) -> str:
    """Numbers as the base64 text of their half-precision bytes, the lower byte first. ValueError when one is too large."""
    half = values.detach().cpu().to(torch.float16)
    if not half.isfinite().all():
        raise ValueError(f"the largest number is {values.abs().max():.4g}; expected at most 65504, which half precision can hold")
    return base64.b64encode(half.numpy().astype("<f2").tobytes()).decode()


def _layers(network: nn.Module) -> Iterator[tuple[dict[str, Any], list[Tensor]]]:
    """Each layer's description with its weight and bias; the layers of a Sequential one by one."""
    kind = type(network)
    if kind is nn.Sequential:
        for layer in network:
            yield from _layers(layer)
    elif kind in (nn.Linear, GatedLinear):
        yield {"kind": "linear", "outputs": network.out_features}, _parameters(network, network.out_features)
        if kind is GatedLinear:
            yield {"kind": "gate"}, []
    elif kind in (nn.Conv2d, nn.ConvTranspose2d):
        yield _convolution(network), _parameters(network, network.out_channels)
    elif kind is nn.PixelShuffle:
        yield {"kind": "shuffle", "factor": network.upscale_factor}, []
    elif kind is nn.Upsample and network.mode == "nearest" and network.scale_factor == int(network.scale_factor):
        yield {"kind": "repeat", "factor": int(network.scale_factor)}, []
    elif kind is nn.Unflatten and network.dim in (1, -1):
        yield {"kind": "shape", "shape": list(network.unflattened_size)}, []
    elif kind is nn.LeakyReLU:
        yield {"kind": "leaky", "slope": network.negative_slope}, []
    elif kind in WITHOUT_WEIGHTS:
        yield {"kind": WITHOUT_WEIGHTS[kind]}, []
    else:
        raise ValueError(f"a page cannot run the layer {network}; expected a layer that assets/networks.js knows: add it there")


def _parameters(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, outputs: int) -> list[Tensor]:
    return [layer.weight, torch.zeros(outputs) if layer.bias is None else layer.bias]


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, Any]:
    square = all(a == b for a, b in (layer.kernel_size, layer.stride, layer.padding))
    if not square or layer.groups != 1 or layer.dilation != (1, 1) or layer.padding_mode != "zeros":
        raise ValueError(f"a page cannot run {layer}; expected equal sides, one group, no dilation, and zeros beyond the rim")
    kind = "transposed" if isinstance(layer, nn.ConvTranspose2d) else "convolution"
    more = {"extra": layer.output_padding[0]} if kind == "transposed" else {}
    return {
        "kind": kind, "outputs": layer.out_channels, "kernel": layer.kernel_size[0], "stride": layer.stride[0],
        "padding": layer.padding[0], **more,
    }  # fmt: skip

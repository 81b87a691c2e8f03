// Trained networks in plain JavaScript: dense and convolution layers, one picture at a time.
// A network is {layers, weights, shape} as networks.py writes it; `run` takes a code and returns the values of the picture.
"use strict";

window.course = window.course || {};

(() => {
  // Base64 text of half-precision numbers, the lower byte first, as a Float32Array.
  course.halves = (text) => {
    const bytes = atob(text);
    const values = new Float32Array(bytes.length / 2);
    const powers = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));
    for (let i = 0; i < values.length; i++) {
      const bits = bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8);
      const exponent = (bits >> 10) & 31;
      const size = ((bits & 1023) + (exponent ? 1024 : 0)) * powers[exponent];
      values[i] = bits & 0x8000 ? -size : size;
    }
    return values;
  };

  const count = (shape) => shape.reduce((product, size) => product * size, 1);
  const each = (change) => ({ values, shape }) => ({ values: values.map(change), shape });

  function linear({ values }, { outputs, weight, bias }) {
    const made = Float32Array.from(bias);
    for (let o = 0, w = 0; o < outputs; o++) {
      let sum = made[o];
      for (let i = 0; i < values.length; i++) sum += weight[w++] * values[i];
      made[o] = sum;
    }
    return { values: made, shape: [outputs] };
  }

  // The columns x of `wide` for which stride * x - padding + shift lies in a row of `other` columns: [first, beyond the last].
  const inside = (wide, other, stride, padding, shift) => [
    Math.max(0, Math.ceil((padding - shift) / stride)),
    Math.min(wide, Math.floor((other - 1 + padding - shift) / stride) + 1),
  ];

  // One loop serves both: a convolution adds weight * input(place of the window) to output(x); its transpose the other way round.
  function convolve({ values, shape }, layer) {
    const { kind, outputs, kernel, stride, padding, weight, bias } = layer;
    const [inputs, height, width] = shape;
    const forward = kind === "convolution";
    const grown = (side) =>
      forward ? Math.floor((side + 2 * padding - kernel) / stride) + 1 : (side - 1) * stride - 2 * padding + kernel + layer.extra;
    const [high, wide] = [grown(height), grown(width)];
    const made = new Float32Array(outputs * high * wide);
    const [coarseHigh, coarseWide, fineHigh, fineWide] = forward ? [high, wide, height, width] : [height, width, high, wide];
    for (let o = 0; o < outputs; o++) {
      made.fill(bias[o], o * high * wide, (o + 1) * high * wide);
      for (let c = 0; c < inputs; c++) {
        for (let ky = 0; ky < kernel; ky++) {
          const [top, bottom] = inside(coarseHigh, fineHigh, stride, padding, ky);
          for (let kx = 0; kx < kernel; kx++) {
            const [left, right] = inside(coarseWide, fineWide, stride, padding, kx);
            const w = weight[((forward ? o * inputs + c : c * outputs + o) * kernel + ky) * kernel + kx];
            for (let y = top; y < bottom; y++) {
              const coarse = (forward ? o : c) * coarseHigh * coarseWide + y * coarseWide;
              const fine = (forward ? c : o) * fineHigh * fineWide + (y * stride - padding + ky) * fineWide - padding + kx;
              if (forward) for (let x = left; x < right; x++) made[coarse + x] += w * values[fine + x * stride];
              else for (let x = left; x < right; x++) made[fine + x * stride] += w * values[coarse + x];
            }
          }
        }
      }
    }
    return { values: made, shape: [outputs, high, wide] };
  }

  // Maps with every pixel repeated, or (sub-pixel) factor² maps set side by side as the pixels of one.
  function enlarge({ values, shape }, { kind, factor }) {
    const [maps, height, width] = shape;
    const [kept, high, wide] = [kind === "shuffle" ? maps / factor ** 2 : maps, height * factor, width * factor];
    const made = new Float32Array(kept * high * wide);
    for (let c = 0, place = 0; c < kept; c++) {
      for (let y = 0; y < high; y++) {
        for (let x = 0; x < wide; x++) {
          const map = kind === "shuffle" ? (c * factor + (y % factor)) * factor + (x % factor) : c;
          made[place++] = values[(map * height + Math.floor(y / factor)) * width + Math.floor(x / factor)];
        }
      }
    }
    return { values: made, shape: [kept, high, wide] };
  }

  const sigmoid = (value) => 1 / (1 + Math.exp(-value));
  const APPLY = {
    linear,
    convolution: convolve,
    transposed: convolve,
    shuffle: enlarge,
    repeat: enlarge,
    shape: ({ values }, { shape }) => ({ values, shape }),
    flatten: ({ values }) => ({ values, shape: [values.length] }),
    gate: ({ values }) => {
      const half = values.length / 2;
      return { values: values.slice(0, half).map((value, i) => value * sigmoid(values[half + i])), shape: [half] };
    },
    relu: each((value) => Math.max(0, value)),
    leaky: (x, { slope }) => each((value) => (value < 0 ? slope * value : value))(x),
    silu: each((value) => value * sigmoid(value)),
    tanh: each(Math.tanh),
    sigmoid: each(sigmoid),
  };

  course.Network = class {
    constructor({ layers, weights, shape }, inputs) {
      const numbers = course.halves(weights);
      let [place, size] = [0, [inputs]];
      const take = (length) => numbers.subarray(place, (place += length));
      this.shape = shape;
      this.layers = layers.map((layer) => {
        const ready = { ...layer };
        if (layer.kind === "linear") ready.weight = take(layer.outputs * count(size));
        if (layer.kernel) ready.weight = take(layer.outputs * size[0] * layer.kernel ** 2);
        if (ready.weight) ready.bias = take(layer.outputs);
        size = APPLY[layer.kind]({ values: new Float32Array(count(size)), shape: size }, ready).shape;
        return ready;
      });
    }

    // The values that the network makes of a code, in the order of a tensor (C, H, W).
    run(code) {
      let x = { values: Float32Array.from(code), shape: [code.length] };
      for (const layer of this.layers) x = APPLY[layer.kind](x, layer);
      return x.values;
    }
  };
})();

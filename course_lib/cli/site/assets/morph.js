// From one face to another in three ways: mixed pixels, a straight line of codes, an arc of codes.
"use strict";

course.explorer("morph", (root, { decoder, codes, pictures, farthest }) => {
  const network = new course.Network(decoder, codes[0].length);
  const faces = pictures.map((text) => Float32Array.from(atob(text), (byte) => byte.charCodeAt(0) / 255));
  let [a, b, t] = [0, farthest, 0.5];

  const norm = (z) => Math.hypot(...z);
  const mix = (from, to, share) => from.map((value, i) => (1 - share) * value + share * to[i]);
  // The place on the arc from one code to another (Shoemake 1985), as models/latent/paths.py has it.
  const arc = (from, to, share) => {
    const cosine = from.reduce((sum, value, i) => sum + value * to[i], 0) / (norm(from) * norm(to));
    const angle = Math.acos(course.clamp(cosine, -1, 1));
    if (Math.sin(angle) < 1e-3) return mix(from, to, share);
    const [first, second] = [Math.sin((1 - share) * angle), Math.sin(share * angle)];
    return from.map((value, i) => (first * value + second * to[i]) / Math.sin(angle));
  };
  const WAYS = {
    "mixed pixels": () => ({ values: mix(faces[a], faces[b], t) }),
    "straight in z": () => decoded(mix(codes[a], codes[b], t)),
    "along the sphere": () => decoded(arc(codes[a], codes[b], t)),
  };
  const decoded = (z) => ({ values: network.run(z), size: norm(z) });

  const [, height, width] = decoder.shape;
  const go = (to) => {
    t = course.clamp(to, 0, 1);
    slider.set(t);
    draw();
  };
  const shown = Object.keys(WAYS).map((name) => {
    const label = `${name}: drag across, or use the arrow keys, to go from the first face to the second.`;
    const canvas = course.surface({ label, width, height }, {
      dragged: ({ x }) => go(x),
      stepped: (right, high) => go(t + 0.05 * (right || high)),
      home: () => go(0),
    });
    canvas.classList.add("face");
    const words = course.element("figcaption");
    return { name, canvas, words, root: course.element("figure", {}, canvas, words) };
  });
  const slider = course.slider({ label: "how far", min: 0, max: 1, step: 0.01, value: t, digits: 2 }, go);
  const draw = course.onceAFrame(() => {
    for (const { name, canvas, words } of shown) {
      const { values, size } = WAYS[name]();
      course.paint(canvas, values, decoder.shape);
      words.textContent = size === undefined ? name : `${name}, |z| = ${size.toFixed(2)}`;
    }
  });

  const thumbnail = (name, place) => {
    const canvas = course.picture(name, decoder.shape);
    course.paint(canvas, faces[place], decoder.shape);
    return canvas;
  };
  const names = faces.map((_, place) => `face ${place + 1}`);
  const from = course.choice("from", names, a, (place) => { a = place; draw(); }, thumbnail);
  const to = course.choice("to", names, b, (place) => { b = place; draw(); }, thumbnail);
  root.append(
    course.element("div", { class: "stage three" }, ...shown.map((way) => way.root)),
    course.element("div", { class: "controls" }, slider.root, from, to),
  );
  draw();
});

// What the explorers of a page share: controls, surfaces to drag on, pictures.
"use strict";

window.course = window.course || {};

(() => {
  course.data = course.data || {}; // what the files in data/ hold, by their names
  const makers = {};

  // make(root, data): fills the element `root`. A page asks for an explorer by <section data-explorer="name" data-source="…">.
  course.explorer = (name, make) => (makers[name] = make);

  document.addEventListener("DOMContentLoaded", () => {
    for (const root of document.querySelectorAll("[data-explorer]")) {
      makers[root.dataset.explorer](root, course.data[root.dataset.source]);
      root.classList.add("ready");
    }
  });

  // An element with attributes and children; an attribute that is a function listens to the event of its name.
  course.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name, value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  let used = 0;
  course.freshId = (word) => `${word}-${++used}`;

  // A labelled range input with its number beside it; `moved` is called with each new value. `set` moves it from outside.
  course.slider = ({ label, min, max, step, value, digits = 1 }, moved) => {
    const id = course.freshId("slider");
    const shown = course.element("output", { for: id });
    const input = course.element("input", { type: "range", id, min, max, step });
    const say = () => (shown.textContent = Number(input.value).toFixed(digits));
    const set = (to) => {
      input.value = to;
      say();
    };
    input.addEventListener("input", () => {
      say();
      moved(Number(input.value));
    });
    set(value);
    return { root: course.element("div", { class: "slider" }, course.element("label", { for: id }, label), shown, input), set };
  };

  course.button = (words, pressed) => course.element("button", { type: "button", click: pressed }, words);

  // Thumbnails of which one is chosen: radio buttons under one legend.
  course.choice = (legend, names, first, chosen, look = (name) => name) => {
    const group = course.freshId("choice");
    const options = names.map((name, place) => {
      const input = course.element("input", { type: "radio", name: group, value: place, change: () => chosen(place) });
      input.checked = place === first;
      return course.element("label", {}, input, look(name, place));
    });
    return course.element("fieldset", {}, course.element("legend", {}, legend), course.element("div", {}, ...options));
  };

  // A canvas to drag on, and to move on with the arrow keys.
  //   dragged({x, y, dx, dy}): the pointer's place and its last move, as shares of the canvas, downwards.
  //   stepped(across, up): an arrow key was pressed; 1 or -1 each. home(): the key Home.
  course.surface = ({ label, width, height, role = "application" }, { dragged, stepped, home }) => {
    const canvas = course.element("canvas", { width, height, tabindex: 0, role, "aria-label": label });
    if (role === "application") canvas.setAttribute("aria-roledescription", "surface to drag on");
    let last = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = place(event);
      dragged({ ...last, dx: 0, dy: 0 });
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      const here = place(event);
      dragged({ ...here, dx: here.x - last.x, dy: here.y - last.y });
      last = here;
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    canvas.addEventListener("keydown", (event) => {
      if (steps[event.key]) stepped(...steps[event.key]);
      else if (event.key === "Home" && home) home();
      else return;
      event.preventDefault();
    });
    return canvas;
  };

  // A canvas that only shows.
  course.picture = (label, [, height, width]) => course.element("canvas", { width, height, role: "img", "aria-label": label });

  // Values (C, H, W) with C 1 or 3, where 0 is black and 1 is white, as the pixels of a canvas of W × H.
  course.paint = (canvas, values, [channels, height, width]) => {
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(width, height);
    const area = height * width;
    for (let place = 0; place < area; place++) {
      for (let colour = 0; colour < 3; colour++) {
        image.data[4 * place + colour] = Math.round(255 * values[(channels === 3 ? colour : 0) * area + place]);
      }
      image.data[4 * place + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
  };

  // A function that draws at most once per frame, however often it is called.
  course.onceAFrame = (draw) => {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        draw();
      });
    };
  };

  course.clamp = (value, low, high) => Math.min(high, Math.max(low, value));
})();

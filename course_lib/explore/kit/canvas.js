// A drawing surface: paint or erase cells of a grid over a picture, or pick one cell, by mouse, pen, touch or keyboard.
// What is drawn is seen at once; the cells go to Python as bytes, at most one message on its way, the last one winning.

const TOOLS = [["paint", "Paint"], ["erase", "Erase"]];

function bytes(view) {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0);
}

function button(text, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}

function render({ model, el }) {
  const [rows, columns] = [model.get("rows"), model.get("columns")];
  const picking = model.get("mode") === "pick";
  const cell = Math.max(1, Math.round(model.get("side") / Math.max(rows, columns)));
  const surface = document.createElement("canvas");
  surface.width = columns * cell;
  surface.height = rows * cell;
  surface.tabIndex = 0;
  surface.className = "course-canvas";
  surface.setAttribute("role", "application");
  const keys = picking ? "Arrow keys move." : "Arrow keys move, space paints or erases.";
  surface.setAttribute("aria-label", `${model.get("label")}. ${keys}`);
  const pen = surface.getContext("2d");
  let mask = Uint8Array.from(bytes(model.get("mask")));
  let tool = "paint";
  let last = null; // where the stroke was, null between strokes
  let cursor = [Math.floor(rows / 2), Math.floor(columns / 2)];
  let focused = false;

  let picture = null; // below the cells
  let newest = 0; // counts pictures, so that one decoded late does not cover a later one

  async function develop() {
    const mine = ++newest;
    const png = bytes(model.get("picture"));
    const decoded = png.length ? await createImageBitmap(new Blob([png], { type: "image/png" })) : null;
    if (mine !== newest) return;
    picture = decoded;
    draw();
  }

  function draw() {
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, surface.width, surface.height);
    if (picture) pen.drawImage(picture, 0, 0, surface.width, surface.height);
    if (!picking) {
      pen.fillStyle = model.get("tint");
      pen.globalAlpha = model.get("strength");
      for (let i = 0; i < mask.length; i++) {
        if (mask[i]) pen.fillRect((i % columns) * cell, Math.floor(i / columns) * cell, cell, cell);
      }
      pen.globalAlpha = 1;
    }
    if (picking || focused) {
      const [row, column] = picking ? model.get("pixel") : cursor;
      pen.strokeStyle = model.get("tint");
      pen.lineWidth = 2;
      const wide = Math.max(10, cell - 2); // small cells too are marked so that one sees it
      pen.strokeRect((column + 0.5) * cell - wide / 2, (row + 0.5) * cell - wide / 2, wide, wide);
    }
  }

  function send() {
    model.set("mask", new DataView(mask.slice().buffer));
    model.save_changes(); // ipywidgets keeps one message on its way and merges the rest
  }

  function dab(row, column) {
    const reach = model.get("brush") / 2;
    for (let r = Math.max(0, Math.ceil(row - reach)); r <= Math.min(rows - 1, row + reach); r++) {
      for (let c = Math.max(0, Math.ceil(column - reach)); c <= Math.min(columns - 1, column + reach); c++) {
        if (Math.hypot(r - row, c - column) <= reach) mask[r * columns + c] = tool === "paint" ? 1 : 0;
      }
    }
  }

  function stroke(from, to) {
    const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) * 2));
    for (let i = 0; i <= steps; i++) {
      dab(from[0] + ((to[0] - from[0]) * i) / steps, from[1] + ((to[1] - from[1]) * i) / steps);
    }
  }

  function pick(row, column) {
    model.set("pixel", [row, column]);
    model.save_changes();
  }

  function place(event) { // in cells, as fractions: the middle of the first cell is 0
    const box = surface.getBoundingClientRect();
    const at = [((event.clientY - box.top) / box.height) * rows, ((event.clientX - box.left) / box.width) * columns];
    return [Math.min(rows - 0.51, Math.max(-0.49, at[0] - 0.5)), Math.min(columns - 0.51, Math.max(-0.49, at[1] - 0.5))];
  }

  function move(event) {
    if (last === null) return;
    const now = place(event);
    if (picking) pick(Math.round(now[0]), Math.round(now[1]));
    else {
      stroke(last, now);
      send();
    }
    last = now;
    draw();
  }

  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    surface.focus({ preventScroll: true });
    surface.setPointerCapture(event.pointerId);
    last = place(event);
    cursor = [Math.round(last[0]), Math.round(last[1])];
    move(event);
  });
  surface.addEventListener("pointermove", move);
  for (const ending of ["pointerup", "pointercancel"]) surface.addEventListener(ending, () => { last = null; });
  surface.addEventListener("focus", () => { focused = surface.matches(":focus-visible"); draw(); });
  surface.addEventListener("blur", () => { focused = false; draw(); });
  // Caught at the window: Notebook 7 would take the arrows for its own, before they come to the surface.
  function key(event) {
    if (event.composedPath()[0] !== surface || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (way) {
      const from = picking ? model.get("pixel") : cursor;
      cursor = [Math.min(rows - 1, Math.max(0, from[0] + way[0])), Math.min(columns - 1, Math.max(0, from[1] + way[1]))];
      if (picking) pick(...cursor);
    } else if (event.key === " " && !picking) {
      dab(...cursor);
      send();
    } else return;
    focused = true;
    event.preventDefault();
    event.stopPropagation(); // the notebook has its own meaning for arrows
    draw();
  }
  window.addEventListener("keydown", key, true);

  const bar = document.createElement("div");
  bar.className = "course-canvas-bar";
  if (!picking) {
    const tools = TOOLS.map(([name, text]) => {
      const made = button(text, () => {
        tool = name;
        tools.forEach((other) => other.setAttribute("aria-pressed", String(other === made)));
      });
      made.setAttribute("aria-pressed", String(name === tool));
      return made;
    });
    const brush = document.createElement("input");
    Object.assign(brush, { type: "range", min: 1, max: Math.max(2, Math.round(Math.max(rows, columns) / 3)), step: 1 });
    brush.value = model.get("brush");
    brush.setAttribute("aria-label", "brush size");
    brush.title = "brush size";
    brush.addEventListener("input", () => { model.set("brush", Number(brush.value)); model.save_changes(); });
    bar.append(...tools, button("Clear", () => { mask.fill(0); send(); draw(); }), brush);
  }
  model.on("change:picture", develop);
  model.on("change:pixel", draw);
  model.on("change:mask", () => { if (last === null) { mask = Uint8Array.from(bytes(model.get("mask"))); draw(); } });
  el.append(surface, bar);
  develop();
  draw();
  return () => window.removeEventListener("keydown", key, true); // when the view goes
}

export default { render };

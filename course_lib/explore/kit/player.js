// Moves a slider step by step. It sets the slider's own model in the page and has no value of its own to report, so that a
// step, as a move by hand, is one message to Python: a second one close behind it can wait 40 ms for the first to be acknowledged.

async function render({ model, el }) {
  const slider = await model.widget_manager.get_model(model.get("slider").replace("IPY_MODEL_", ""));
  const button = document.createElement("button");
  button.type = "button";
  button.className = "course-play jupyter-button";
  let timer = null;

  function show() {
    button.textContent = timer === null ? "▶ Play" : "❚❚ Pause";
    button.setAttribute("aria-label", `${timer === null ? "Play" : "Pause"}: ${slider.get("description")}`);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    show();
  }

  function step() {
    const next = slider.get("value") + slider.get("step");
    if (next > slider.get("max")) return stop();
    slider.set("value", next);
    slider.save_changes();
  }

  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    if (slider.get("value") >= slider.get("max")) slider.set("value", slider.get("min")); // at the end: once more
    timer = setInterval(step, model.get("interval"));
    step();
    show();
  });
  show();
  el.append(button);
  return stop; // when the view goes
}

export default { render };

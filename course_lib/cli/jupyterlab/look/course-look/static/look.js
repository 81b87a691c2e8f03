// A plugin of JupyterLab that brings look.css, which lies beside it, and gives the picture of each explorer its text alternative,
// which the image widget cannot hold, and the handle of each slider its name. Both stand in words beside them.

(() => { // a script of a page shares its names with all others: these stay inside
const sheet = new URL("look.css", document.currentScript.src).href;

function describe() {
  for (const image of document.querySelectorAll(".course-panel img:not([alt])")) {
    const words = image.closest(".course-panel").querySelector(".course-alt")?.textContent;
    if (words) image.alt = words.replace(/^The picture: /, "");
  }
  for (const handle of document.querySelectorAll(".course-panel [role=slider]:not([aria-label])")) {
    const name = handle.closest(".widget-slider")?.querySelector(".widget-label")?.textContent;
    if (name) handle.setAttribute("aria-label", name);
  }
}

function activate() {
  new MutationObserver(describe).observe(document.body, { childList: true, subtree: true });
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: sheet }));
}

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB["course-look"] = {
  init() {},
  get: async () => () => ({ __esModule: true, default: { id: "course-look:plugin", autoStart: true, activate } }),
};
})();

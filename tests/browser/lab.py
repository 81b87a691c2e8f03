"""JupyterLab in a headless Chromium, as a student has it: opens a lesson, runs it, moves its controls, looks at the pictures.

One `Lab` is one server and one browser: with Lab() as lab: lesson = lab.open("07_nade.ipynb"); lesson.run_all().
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from panels import LivePanel
from playwright.sync_api import Page, sync_playwright

from course_lib.cli.lab import settings

ROOT = Path(__file__).resolve().parents[2]
QUIET_CHROMIUM = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
    "--no-first-run", "--disable-dev-shm-usage",
]  # fmt: skip

POLL = 100  # milliseconds between two looks; Playwright's own way makes the page draw sixty times per second
READY = """name => { const opened = window.jupyterapp?.shell.currentWidget;
    return (opened?.context?.path ?? '').endsWith(name) && opened.context.sessionContext?.session?.kernel?.status === 'idle'; }"""
LEAVE = """async () => { const opened = window.jupyterapp.shell.currentWidget;
    await opened.context.sessionContext.shutdown();
    opened.dispose(); }"""


def chromium() -> str | None:
    """The path of a Chromium or Chrome: COURSE_CHROMIUM, or the first one on the path; None when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("COURSE_CHROMIUM") or next((found for name in names if (found := shutil.which(name))), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lab:
    """A JupyterLab on a copy of the notebooks, with fresh settings, and a browser on it; a context manager.

    Args:
        notebooks: the folder to copy.
        budget: how long the lessons' cells may run ("smoke", "lesson", "full").
        options: JupyterLab's settings; None gives those of `course lab`.
        prefix: what stands before every path, such as "/user/a/" on a hub.
    """

    def __init__(
        self, notebooks: Path = ROOT / "notebooks", *, budget: str = "smoke", options: list[str] | None = None, prefix: str = "/"
    ):
        self.notebooks, self.budget, self.prefix = Path(notebooks), budget, prefix
        self.options = settings() if options is None else options

    def __enter__(self) -> Lab:
        self._folder = tempfile.TemporaryDirectory(prefix="course-lab-", ignore_cleanup_errors=True)
        home = Path(self._folder.name)
        self.folder = home / "notebooks"
        shutil.copytree(self.notebooks, self.folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        try:
            self._start_server(home)
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=chromium(), headless=True, args=QUIET_CHROMIUM)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_server(self, home: Path) -> None:
        self._port, self._token = _free_port(), secrets.token_hex(16)
        folders = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "COURSE_HOME": "home",
        }  # fmt: skip
        environment = {**os.environ, **{name: str(home / folder) for name, folder in folders.items()}}
        environment |= {"COURSE_QUIET": "1", "COURSE_BUDGET": self.budget, "JUPYTER_PREFER_ENV_PATH": "1"}
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={self.folder}",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self._port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self._token}", "--LabApp.expose_app_in_browser=True",
            f"--ServerApp.base_url={self.prefix}", *self.options,
            # should this process be killed, the server it leaves ends by itself
            "--MappingKernelManager.cull_idle_timeout=900", "--MappingKernelManager.cull_interval=60",
            "--MappingKernelManager.cull_connected=True", "--ServerApp.shutdown_no_activity_timeout=900",
        ]  # fmt: skip
        self._log = home / "server.log"
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home, start_new_session=True)
        end = time.monotonic() + 90
        while True:
            try:
                request = urllib.request.Request(f"{self.address}/api/status", headers={"Authorization": f"token {self._token}"})
                urllib.request.urlopen(request, timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if self._server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text(errors='replace')[-3000:]}") from None
                time.sleep(0.2)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.prefix.rstrip('/')}"

    def open(self, name: str, *, way: str = "lab", size: tuple[int, int] = (1300, 1000)) -> Lesson:
        """Open a notebook in a fresh profile and wait for its kernel. way: "lab", or "doc" for the notebook alone."""
        context = self._browser.new_context(viewport={"width": size[0], "height": size[1]})
        page = context.new_page()
        page.goto(f"{self.address}/{way}/tree/{name}?reset&token={self._token}", timeout=90_000)
        return Lesson(page)

    def open_here(self, name: str) -> Lesson:
        """Open a notebook in the page of the last `open_here`: loading JupyterLab takes as long as many a lesson's run."""
        if not hasattr(self, "_page"):
            lesson = self.open(name)
            self._page = lesson.page
            return lesson
        self._page.evaluate("path => { window.jupyterapp.commands.execute('docmanager:open', { path }); }", name)
        return Lesson(self._page, name)

    def __exit__(self, *_) -> None:
        if hasattr(self, "_browser"):
            self._browser.close()
        if hasattr(self, "_playwright"):
            self._playwright.stop()
        if hasattr(self, "_server") and self._server.poll() is None:
            self._server.send_signal(signal.SIGTERM)  # the server ends its kernels
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                self._server.kill()
        self._folder.cleanup()


class Lesson:
    """One notebook in the browser, its kernel ready."""

    def __init__(self, page: Page, name: str = ""):
        self.page, self.wrong = page, []
        self._listener = lambda message: self.wrong.append(message.text) if message.type == "error" else None
        page.on("console", self._listener)
        page.locator(".jp-Notebook").first.wait_for(timeout=90_000)
        page.wait_for_function(READY, arg=name, polling=POLL, timeout=90_000)

    def run_all(self, timeout: float = 300) -> list[str]:
        """Run all cells; the errors, one line each ("cell 4: NameError: …"), none when all went well."""
        self.page.evaluate(
            """() => { window.courseDone = false;
            window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.courseDone = true; }); }"""
        )
        self.page.wait_for_function("() => window.courseDone", polling=POLL, timeout=1000 * timeout)
        return self.page.evaluate(
            """() => { const found = [];
            Array.from(window.jupyterapp.shell.currentWidget.content.model.cells).forEach((cell, index) => {
                if (cell.type !== 'code') return;
                for (const output of cell.outputs.toJSON())
                    if (output.output_type === 'error') found.push(`cell ${index}: ${output.ename}: ${output.evalue}`);
                if (cell.executionCount === null && cell.sharedModel.getSource().trim()) found.push(`cell ${index}: was not run`);
            });
            return found; }"""
        )

    def panels(self) -> list[LivePanel]:
        """All explorers of the lesson, from top to bottom."""
        return [LivePanel(self.page, root) for root in self.page.locator(".jp-Notebook .course-panel").all()]

    def panel(self, title: str) -> LivePanel:
        """The explorer with this title."""
        return LivePanel(self.page, self.page.locator(".jp-Notebook .course-panel").filter(has_text=title).first)

    def screenshot(self, path: Path | str) -> None:
        self.page.screenshot(path=str(path))

    def close(self) -> None:
        """End the kernel and the page."""
        self.leave()
        self.page.context.close()

    def leave(self) -> None:
        """End the kernel, and close the notebook without saving it; the page stays."""
        self.page.remove_listener("console", self._listener)
        self.page.evaluate(LEAVE)

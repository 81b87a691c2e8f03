"""A cell with the gallery that runs thirty times: the memory of its process does not grow."""

import os
import subprocess
import sys

THIRTY_RUNS = """
import os
import psutil
from ipykernel.inprocess import InProcessKernelManager

manager = InProcessKernelManager()
manager.start_kernel()
client = manager.client()
client.start_channels()
cell = '''
import numpy as np, torch
from course_lib.explore.course.gallery import Exhibit, gallery
models = np.ones(2**20)  # 8 MB, as the models of the gallery hold, which its sheets are drawn from
def draw(n, generator, models=models):
    return torch.rand(n, 1, 28, 28, generator=generator)
gallery({"page": {f"model {k}": Exhibit("words", draw) for k in range(2)}})
'''
used = []
for _ in range(31):
    client.execute(cell)
    used.append(psutil.Process().memory_info().rss / 2**20)
assert manager.kernel.shell.user_ns["_"].__class__.__name__ == "Panel", "the cell did not end with its panel"
print(used[1], used[-1])
"""


def test_thirty_runs_take_less_than_20_mb_more_than_the_first(tmp_path):
    environment = {**os.environ, "COURSE_HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    ended = subprocess.run([sys.executable, "-c", THIRTY_RUNS], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    first, last = map(float, ended.stdout.split()[-2:])
    assert last - first < 20

"""How long a thread may wait for its next piece of work before it sleeps: a small training beside other programs, and alone.

The other programs are made here: one process per core that counts without an end. Each wait has a process of its own, since
the number of rounds (GOMP_SPINCOUNT) is read once, when torch is loaded. Both train in turns.
"""

import contextlib
import os
import statistics
import subprocess
import sys

import pytest

from course_lib.cli.command import SHORT_WAIT

ROUNDS, SECONDS, THREADS = 5, 1.5, 2
LEAST = 1.5  # times the speed of the usual wait that the short one must reach beside other programs
BUSY = "while True: pass"
TRAINING = f"""
import sys, time, torch
torch.set_num_threads({THREADS})
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 784))
optimiser, x = torch.optim.Adam(net.parameters()), torch.rand(256, 784)

def step():
    optimiser.zero_grad()
    torch.nn.functional.mse_loss(net(x), x).backward()
    optimiser.step()

step()
print("ready", flush=True)
for _ in sys.stdin:
    began, done = time.perf_counter(), 0
    while time.perf_counter() < began + {SECONDS}:
        step()
        done += 1
    print(done / (time.perf_counter() - began), flush=True)
"""
WAITS = {"usual": None, "short": SHORT_WAIT}


@contextlib.contextmanager
def other_programs(count):
    """`count` processes that keep a core busy each."""
    running = [subprocess.Popen([sys.executable, "-I", "-S", "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@contextlib.contextmanager
def training(wait):
    """A process that trains when asked, with this GOMP_SPINCOUNT; None leaves it as it is without the course."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP_", "OMP_"))}
    environment |= {} if wait is None else {"GOMP_SPINCOUNT": wait}
    command = [sys.executable, "-c", TRAINING]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def steps_per_second(process):
    """Of the training in this process, for a while."""
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def test_threads_that_wait_briefly_beside_other_programs_and_alone():
    """Both take turns, so that what else the machine does meets both; the medians of several turns."""
    cores = len(os.sched_getaffinity(0))
    if cores < THREADS:
        pytest.skip(f"needs {THREADS} cores; there is {cores}")
    print("\n")
    faster = {}
    with contextlib.ExitStack() as stack:
        trainings = {name: stack.enter_context(training(wait)) for name, wait in WAITS.items()}
        for others in (0, cores):
            with other_programs(others):
                turns = [{name: steps_per_second(process) for name, process in trainings.items()} for _ in range(ROUNDS)]
            speeds = {name: statistics.median(turn[name] for turn in turns) for name in WAITS}
            ratios = [turn["short"] / turn["usual"] for turn in turns]
            faster[others] = statistics.median(ratios)
            print(f"{THREADS} threads, {cores} cores, {others} other programs: {speeds['usual']:.1f} steps per second")
            print(f"  the short wait {speeds['short']:.1f}: {faster[others]:.1f} times ({min(ratios):.1f} to {max(ratios):.1f})")
    assert faster[cores] >= LEAST

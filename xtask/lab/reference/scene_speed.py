"""Times the scene of the lab's example `scene_speed` here and there, one core each, in one go.

    cargo build --release -p lab --example scene_speed
    taskset -c 0 python xtask/lab/reference/scene_speed.py

8 sources, 8 mics, 10 s at 44.1 kHz, RT60 0.5 s. pyroomacoustics computes the responses by image
sources, ray tracing and air absorption off, one absorption for all walls (so it filters no bands),
once to the order that its own inverse Sabine formula wants for this RT60, and once to order 10, early
reflections without a tail; SciPy convolves (fftconvolve, single precision). The lab computes early
images in eight bands with air and directivity, and a noise tail.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pathlib
import platform
import subprocess
import time

import numpy as np
import pyroomacoustics as pra
import scipy
from scipy.signal import fftconvolve

RATE_HZ = 44100
NUM_SAMPLES = 441000
SIZE_M = [8.0, 6.0, 3.5]
RT60_S = 0.5


def reference(order, absorption, rounds):
    pra.constants.set("num_threads", 1)
    sources = [[1.5 + 1.6 * (n % 4), 1.8 + 2.0 * (n // 4), 1.2] for n in range(8)]
    rng = np.random.default_rng(1)
    signals = rng.normal(0, 0.1, (8, NUM_SAMPLES)).astype(np.float32)
    times = []
    for _ in range(rounds):
        room = pra.ShoeBox(
            SIZE_M, fs=RATE_HZ, materials=pra.Material(absorption), max_order=order,
            air_absorption=False, ray_tracing=False,
        )
        for at in sources:
            room.add_source(at)
        room.add_microphone_array(np.array([[x, y + 0.3, 1.3] for x, y, _ in sources]).T)
        start = time.perf_counter()
        room.compute_rir()
        between = time.perf_counter()
        for mic in range(8):
            heard = np.zeros(NUM_SAMPLES, np.float32)
            for source in range(8):
                rir = np.asarray(room.rir[mic][source], np.float32)
                heard += fftconvolve(signals[source], rir)[:NUM_SAMPLES]
        times.append((between - start, time.perf_counter() - between))
    return np.median(np.array(times), axis=0)


def main():
    root = pathlib.Path(__file__).resolve().parents[3]
    program = root / "target/release/examples/scene_speed"
    print(f"pyroomacoustics {pra.__version__}, SciPy {scipy.__version__}, Python {platform.python_version()}")
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    ours = {name: float(value) for name, value in map(str.split, lines.splitlines())}
    print(f"{'':28} responses  convolutions  scene   RTF      against the lab")
    row = lambda name, r, c: print(
        f"{name:28} {r:8.3f} s {c:10.3f} s {r + c:7.3f} s {(r + c) / 10:.5f} "
        f"{(r + c) / ours['scene_s']:8.1f} x"
    )
    row("lab", ours["responses_s"], ours["convolutions_s"])
    absorption, full_order = pra.inverse_sabine(RT60_S, SIZE_M)
    for order, rounds in ((10, 3), (full_order, 1)):
        row(f"pyroomacoustics, order {order}", *reference(order, absorption, rounds))


main()

"""Golden values for the lab's rooms, from pyroomacoustics.

    python xtask/lab/reference/rooms.py > xtask/lab/src/room/golden_values.rs
    rustfmt xtask/lab/src/room/golden_values.rs

Both programs use image sources; what must agree whatever their interpolation filters are the
arrivals (time and level of each image), the energy in windows of time, whole and per octave, and
the remaining energy at some times. Both count 1 at 1 m and delay everything by 40 samples (this version
does not divide by 4 pi); its high pass is off and its speed of sound is ours.
"""

import platform

import numpy as np
import pyroomacoustics as pra
import scipy

C = 343.2
RATE_HZ = 44100
MARGIN = 40
LENGTH_S = 0.25
OCTAVES_HZ = [250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]
WINDOWS_S = [(0.0, 0.02), (0.02, 0.05), (0.05, 0.1), (0.1, 0.2)]
REMAINING_S = [0.01, 0.03, 0.06, 0.1, 0.15]
NUM_ARRIVALS = 12

CASES = [
    # name, size, source, source aim, source part, mic, mic aim, mic part, energy absorption
    ("ROOM", [6.0, 5.0, 3.2], [1.3, 3.9, 1.2], [1, 0, 0], 1.0, [4.1, 2.2, 1.5], [1, 0, 0], 1.0, 0.3),
    ("CLOSE", [8.1, 6.3, 3.7], [3.0, 2.0, 0.7], [1, 2, 0.5], 0.5, [3.2, 2.25, 0.8], [-1, -1, 0], 0.5, 0.2),
    ("BOOTH", [2.0, 2.1, 2.3], [0.4, 0.7, 1.5], [0, 1, 0], 0.5, [1.6, 1.3, 1.1], [-1, 0.5, 0.2], 0.0, 0.45),
]


def octave(signal, centre_hz):
    """Raised cosine of 0.75 octaves to either side, as in the tests that compare."""
    size = 2 * int(2 ** np.ceil(np.log2(len(signal))))
    spectrum = np.fft.rfft(signal, size)
    with np.errstate(divide="ignore"):
        octaves = np.log2(np.fft.rfftfreq(size, 1 / RATE_HZ) / centre_hz)
    inside = np.abs(octaves) < 0.75
    gain = np.zeros(len(spectrum))
    gain[inside] = np.cos(np.pi / 2 * octaves[inside] / 0.75) ** 2
    return np.fft.irfft(spectrum * gain, size)[: len(signal)]


def window_energy(signal, from_s, to_s):
    at = lambda time_s: min(round(time_s * RATE_HZ) + MARGIN, len(signal))
    return np.sum(signal[at(from_s) : at(to_s)] ** 2)


def db(power):
    return 10 * np.log10(power)


def direction(aim):
    return np.array(aim, dtype=float) / np.linalg.norm(aim)


def simulate(size, source, source_aim, source_part, mic, mic_aim, mic_part, absorption):
    pra.constants.set("c", C)
    pra.constants.set("rir_hpf_enable", False)
    # Far finer than the default of 20 steps a sample, whose own error is 0.1 % of an arrival.
    pra.constants.set("sinc_lut_granularity", 2000)
    pra.constants.set("num_threads", 1)
    # Every image that can arrive before the end: sound meets at most this many walls on its way.
    order = int(np.ceil(LENGTH_S * C * np.sqrt(sum(side**-2 for side in size)))) + 3
    room = pra.ShoeBox(
        size, fs=RATE_HZ, materials=pra.Material(absorption), max_order=order, air_absorption=False
    )
    family = pra.directivities.CardioidFamily
    is_omni = source_part == 1.0 and mic_part == 1.0
    room.add_source(
        source, directivity=None if is_omni else family(direction(source_aim), source_part)
    )
    room.add_microphone(mic, directivity=None if is_omni else family(direction(mic_aim), mic_part))
    room.compute_rir()
    rir = room.rir[0][0][: round(LENGTH_S * RATE_HZ) + MARGIN]
    images, damping = room.sources[0].images, room.sources[0].damping[0]
    metres = np.linalg.norm(images - np.array(mic)[:, None], axis=0)
    nearest = np.argsort(metres)[:NUM_ARRIVALS]
    arrivals = [(metres[n] / C * 1e3, damping[n] / metres[n]) for n in nearest]
    return rir, arrivals, order, len(metres)


def main():
    print("//! Golden values of rooms: made by `xtask/lab/reference/rooms.py`, not by hand.")
    print("//!")
    print("//! ```text")
    print("//! python xtask/lab/reference/rooms.py > xtask/lab/src/room/golden_values.rs")
    print("//! rustfmt xtask/lab/src/room/golden_values.rs")
    print("//! ```")
    print("//!")
    print(
        f"//! pyroomacoustics {pra.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"Python {platform.python_version()}."
    )
    print("\nuse super::golden_room::Golden;\n")
    for name, *case in CASES:
        size, source, source_aim, source_part, mic, mic_aim, mic_part, absorption = case
        rir, arrivals, order, num_images = simulate(*case)
        point = lambda p: "[" + ", ".join(f"{float(x)}" for x in p) + "]"
        print(f"/// Reflections up to order {order}: {num_images} images.")
        print(f"pub(super) const {name}: Golden = Golden {{")
        print(f"size_m: {point(size)}, source: {point(source)}, source_aim: {point(source_aim)},")
        print(f"source_part: {source_part}, mic: {point(mic)}, mic_aim: {point(mic_aim)},")
        print(f"mic_part: {mic_part}, absorbed: {absorption},")
        print("arrivals_ms_lin: [")
        print(", ".join(f"({ms:.6f}, {level:.7f})" for ms, level in arrivals) + "],")
        print("window_db: [")
        for from_s, to_s in WINDOWS_S:
            print(f"{db(window_energy(rir, from_s, to_s)):.4f},")
        print("], octave_window_db: [")
        for centre_hz in OCTAVES_HZ:
            band = octave(rir, centre_hz)
            levels = [db(window_energy(band, *window)) for window in WINDOWS_S]
            print("[" + ", ".join(f"{level:.4f}" for level in levels) + "],")
        print("], remaining_db: [")
        for from_s in REMAINING_S:
            print(f"{db(window_energy(rir, from_s, LENGTH_S)):.4f},")
        print("] };\n")


main()

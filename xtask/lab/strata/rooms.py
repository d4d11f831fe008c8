"""Makes impulse responses `[mic][source]` of three kinds of room: none, parametric, and a shoebox.

A response is an array `[sample]` at RATE_HZ. Each room comes as (responses, RT60 in s).
"""

import numpy as np
import pyroomacoustics as pra
from pyroomacoustics.directivities import Cardioid, DirectionVector
from scipy.signal import butter, sosfilt

from music import PIECES
from sounds import RATE_HZ, db, lin

# pyroomacoustics rounds its sums differently with every number of threads.
pra.constants.set("num_threads", 2)

SPEED_OF_SOUND_M_PER_S = 343
TAIL_RT60_S = {"dev": (0.25, 0.55), "val": (0.3, 0.75)}
SHOEBOX_RT60_S = {"dev": (0.22, 0.45), "val": (0.28, 0.6)}
HIGHEST_ORDER = 28  # of the images, for the sake of time

# A drum kit in space: metres, with the drummer at the origin, looking along y.
KIT_AT_M = {
    "kick": (0, 0.75, 0.3), "snare": (-0.3, 0.35, 0.65), "hat": (-0.68, 0.42, 0.9),
    "tom1": (-0.16, 0.66, 0.85), "tom2": (0.2, 0.66, 0.85), "tom3": (0.55, 0.3, 0.6),
    "crash": (-0.6, 0.95, 1.35), "ride": (0.62, 0.75, 1.05),
}
KIT_MIC_M = {
    "kick": (0.03, 0.825, 0.31), "snare": (-0.38, 0.43, 0.72), "hat": (-0.78, 0.42, 1.02),
    "tom1": (-0.18, 0.72, 0.91), "tom2": (0.22, 0.72, 0.91), "tom3": (0.61, 0.34, 0.65),
    "ride": (0.7, 0.82, 1.17),
}
# Levels of the pieces at 1 m against one another.
KIT_DB = {
    "kick": -1, "snare": 3, "hat": -14, "tom1": -1, "tom2": -1, "tom3": -1, "crash": 4, "ride": -15,
}
# Bleed `[mic][piece]` of the parametric kit against the mic's own piece, after a recorded kit
# (MuldjordKit).
KIT_BLEED_DB = {
    "kick": {
        "snare": -28, "hat": -38, "tom1": -26, "tom2": -26, "tom3": -20, "crash": -34, "ride": -40,
    },
    "snare": {
        "kick": -24, "hat": -28, "tom1": -15, "tom2": -18, "tom3": -20, "crash": -22, "ride": -34,
    },
    "hat": {
        "kick": -8, "snare": 6, "tom1": -4, "tom2": -6, "tom3": -8, "crash": 1, "ride": -10,
    },
    "tom1": {
        "kick": -16, "snare": -11, "hat": -26, "tom2": -11, "tom3": -17, "crash": -14, "ride": -28,
    },
    "tom2": {
        "kick": -16, "snare": -13, "hat": -28, "tom1": -12, "tom3": -13, "crash": -18, "ride": -22,
    },
    "tom3": {
        "kick": -14, "snare": -17, "hat": -32, "tom1": -20, "tom2": -14, "crash": -23, "ride": -18,
    },
    "ride": {
        "kick": -5, "snare": 2, "hat": -8, "tom1": -2, "tom2": 0, "tom3": 0, "crash": 0,
    },
}


def no_room(rng, _set_name, num_mics):
    """Gains alone, for as many sources as mics: bleed lies around 0 dB."""
    gains = lin(rng.uniform(-4, 4, (num_mics, num_mics)))
    np.fill_diagonal(gains, 1)
    return [[np.array([gain]) for gain in row] for row in gains], 0.0


def path(rng, delay_s, gain, rt60_s, tail_db):
    """A delayed direct sound and an exponential tail, `tail_db` against it, duller the later."""
    response = np.zeros(int((rt60_s * 0.9 + delay_s) * RATE_HZ) + 2)
    delay_samples = int(delay_s * RATE_HZ)
    part = delay_s * RATE_HZ - delay_samples
    response[delay_samples] = 1 - part
    response[delay_samples + 1] = part
    tail_samples = response.size - delay_samples
    time_s = np.arange(tail_samples) / RATE_HZ
    bright = rng.standard_normal(tail_samples)
    dull = sosfilt(butter(1, 3500, fs=RATE_HZ, output="sos"), bright)
    dullness = np.clip(time_s / (0.5 * rt60_s), 0, 1)
    tail = (1 - dullness) * bright + 1.6 * dullness * dull
    tail *= 10 ** (-3 * time_s / rt60_s)
    tail[: int(0.0025 * RATE_HZ)] = 0
    response[delay_samples:] += tail * lin(tail_db) / np.sqrt(np.sum(tail**2))
    return response * gain


def parametric(
    rng, set_name, num_sources, num_mics=None, *,
    rt60_s=None, bleed_db=None, tail_db=None, seats_m=None, own_m=(0.1, 0.4),
):
    """Paths of a direct sound and a tail, delayed by the distances between seats.

    Levels follow `bleed_db` `[mic][source]`, or else the distances. `seats_m` is `[source, xy]`,
    `own_m` the range of the distances between a mic and its own source. What is None is drawn.
    """
    num_mics = num_mics or num_sources
    if rt60_s is None:
        rt60_s = float(rng.uniform(*TAIL_RT60_S[set_name]))
    if tail_db is None:
        tail_db = float(rng.uniform(-15, -9))
    if seats_m is None:  # two rows, 1.15 m from seat to seat
        seat = np.arange(num_sources)
        seats_m = rng.uniform(0, 1, (num_sources, 2)) * [0.3, 0.6]
        seats_m = seats_m + np.stack([seat * 1.15, 1.5 * (seat % 2)], 1)
    responses = []
    for mic in range(num_mics):
        row = []
        for source in range(num_sources):
            if source == mic:
                metres = float(rng.uniform(*own_m))
                level_db, this_tail_db = 0, tail_db - 5
            else:
                metres = max(0.15, float(np.linalg.norm(seats_m[mic] - seats_m[source])))
                if bleed_db is None:
                    level_db = -db(metres) + rng.uniform(-2, 2)
                else:
                    level_db = bleed_db[mic][source]
                this_tail_db = tail_db + min(4, db(metres) / 3)
            delay_s = metres / SPEED_OF_SOUND_M_PER_S
            row.append(path(rng, delay_s, lin(level_db), rt60_s, this_tail_db))
        responses.append(row)
    return responses, rt60_s


def shoebox(
    rng, set_name, num_sources, num_mics=None, *,
    seats_m=None, mics_m=None, size_m=None, own_m=(0.08, 0.6),
):
    """Image sources of pyroomacoustics, with a cardioid at each source that is aimed at it.

    `seats_m` is `[source][xyz]`, `mics_m` `[mic][xyz]`, `size_m` `[xyz]`, `own_m` the range of the
    distances between a mic and its own source. What is None is drawn. Each mic is scaled so that
    its own source keeps the level that it has dry. The RT60 is the median of the paths of bleed.
    """
    num_mics = num_mics or num_sources
    rt60_s = float(rng.uniform(*SHOEBOX_RT60_S[set_name]))
    if size_m is None:
        longer_m = 0.35 * num_sources
        size_m = [rng.uniform(5.6, 7.4) + longer_m, rng.uniform(4.6, 6.2), rng.uniform(2.6, 3.6)]
    if seats_m is None:
        seats_m = two_rows(rng, num_sources, size_m)
    absorption, order = pra.inverse_sabine(rt60_s, size_m)
    room = pra.ShoeBox(
        size_m, fs=RATE_HZ, materials=pra.Material(absorption),
        max_order=min(order, HIGHEST_ORDER), air_absorption=False,
    )
    for seat_m in seats_m:
        room.add_source(np.array(seat_m))
    for mic in range(num_mics):
        if mics_m is None:
            at_m = np.array(seats_m[mic]) + aside(rng, own_m)
        else:
            at_m = np.array(mics_m[mic])
        room.add_microphone(at_m, directivity=aimed(np.array(seats_m[mic]) - at_m))
    room.compute_rir()
    own = [np.sqrt(np.sum(np.asarray(room.rir[mic][mic]) ** 2)) for mic in range(num_mics)]
    responses = [
        [np.asarray(response) / own[mic] for response in room.rir[mic]] for mic in range(num_mics)
    ]
    measured_s = [
        pra.experimental.measure_rt60(np.asarray(room.rir[mic][source]), RATE_HZ, decay_db=20)
        for mic in range(num_mics)
        for source in range(num_sources)
        if source != mic
    ]
    return responses, float(np.median(measured_s))


def two_rows(rng, num_sources, size_m):
    """Seats `[source][xyz]` in metres, in two rows along a room."""
    num_columns = (num_sources + 1) // 2
    seats_m = []
    for source in range(num_sources):
        column, row = divmod(source, 2)
        x_m = (column + 0.5) * size_m[0] / num_columns + rng.uniform(-0.25, 0.25)
        y_m = size_m[1] * (0.3 + 0.4 * row) + rng.uniform(-0.3, 0.3)
        seats_m.append([x_m, y_m, rng.uniform(0.8, 1.5)])
    return seats_m


def aside(rng, own_m):
    """From a source to its mic, `[xyz]` in metres."""
    metres = rng.uniform(*own_m)
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.7)
    flat = np.cos(elevation)
    return metres * np.array([np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)])


def aimed(to_source_m):
    """A cardioid that looks along `[xyz]`."""
    azimuth = np.degrees(np.arctan2(to_source_m[1], to_source_m[0]))
    colatitude = np.degrees(np.arccos(to_source_m[2] / np.linalg.norm(to_source_m)))
    return Cardioid(
        orientation=DirectionVector(azimuth=azimuth, colatitude=colatitude, degrees=True)
    )


def kit_tail(rng, set_name, mics, pieces):
    """A drum kit by KIT_BLEED_DB; `mics` are the first ones of `pieces`."""
    bleed_db = [
        [KIT_BLEED_DB[mic].get(piece, 0) + rng.uniform(-2, 2) for piece in pieces] for mic in mics
    ]
    return parametric(
        rng, set_name, len(pieces), len(mics), bleed_db=bleed_db, tail_db=-8, own_m=(0.05, 0.12),
        seats_m=np.array([KIT_AT_M[piece][:2] for piece in pieces]),
    )


def kit_shoebox(rng, set_name, mics, pieces):
    """A drum kit in a shoebox; `mics` are the first ones of `pieces`."""
    at_m = np.array([rng.uniform(2.2, 3), rng.uniform(1.4, 2), 0])
    width_m = at_m[0] * 2 + rng.uniform(-0.4, 0.4)
    size_m = [width_m, 5.1 + rng.uniform(-0.5, 0.7), rng.uniform(2.6, 3.2)]
    return shoebox(
        rng, set_name, len(pieces), len(mics), size_m=size_m,
        seats_m=[at_m + KIT_AT_M[piece] for piece in pieces],
        mics_m=[at_m + KIT_MIC_M[mic] for mic in mics],
    )


def band_tail(rng, set_name):
    """Kick, snare, bass, guitar, piano, voice, and a hi-hat without a mic."""
    seats_m = [(0, 0.7), (-0.3, 0.4), (1.8, 0.3), (2.6, 1.6), (3.2, 3), (0.6, 3.2), (-0.7, 0.4)]
    return parametric(rng, set_name, 7, 6, seats_m=np.array(seats_m), own_m=(0.08, 0.3))


def band_shoebox(rng, set_name, mics, sources):
    """A kit, bass, guitar, piano and voice in a small room; `mics` are the first `sources`."""
    kit_m = np.array([2.2 + rng.uniform(-0.2, 0.2), 0.9, 0])
    seats_m = {piece: kit_m + KIT_AT_M[piece] for piece in PIECES}
    seats_m |= {"bass": (4.0, 0.8, 0.5), "guitar": (5.6, 1.7, 0.5)}
    seats_m |= {"piano": (5.4, 3.8, 1.0), "voice": (2.4, 4.2, 1.6)}
    mics_m = {piece: kit_m + at_m for piece, at_m in KIT_MIC_M.items()}
    mics_m |= {"bass": (4.0, 1.05, 0.5), "guitar": (5.5, 1.8, 0.5)}
    mics_m |= {"piano": (5.1, 3.7, 1.3), "voice": (2.4, 4.3, 1.62)}
    size_m = [
        7.2 + rng.uniform(0, 0.8), 5.4 + rng.uniform(0, 0.5), 2.7 + rng.uniform(0, 0.6),
    ]
    return shoebox(
        rng, set_name, len(sources), len(mics), size_m=size_m,
        seats_m=[seats_m[name] for name in sources], mics_m=[mics_m[name] for name in mics],
    )


KINDS = {"none": no_room, "tail": parametric, "shoebox": shoebox}

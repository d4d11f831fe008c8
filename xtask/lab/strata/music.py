"""Composes the music of the scenes: the instruments of both sets, parts, and drum grooves.

A note is (start in beats, length in beats, MIDI key, velocity 0 to 127). A hit is (start in s,
strength 0 to 1, number of the note among those of its piece). Nothing here makes a sound, and all
that is not fixed is drawn from the generator that is passed in.
"""

import itertools
from typing import NamedTuple

import numpy as np

# Instruments: name -> (General MIDI program, middle key of its part). No program is in both sets.
PALETTES = {
    "dev": {
        "violin": (40, 74), "viola": (41, 64), "cello": (42, 52), "contrabass": (43, 40),
        "trumpet": (56, 72), "trombone": (57, 53), "horn": (60, 60), "tuba": (58, 41),
        "flute": (73, 79), "clarinet": (71, 67), "piano": (0, 60), "nylon": (24, 57),
        "abass": (32, 40), "accordion": (21, 65), "aahs": (52, 64), "drawbar": (16, 60),
        "church": (19, 55), "overdrive": (29, 55), "vibes": (11, 69), "saw": (81, 62),
    },
    "val": {
        "ensemble": (48, 69), "slow_ensemble": (49, 55), "tremolo": (44, 62),
        "synth_strings": (50, 48), "oboe": (68, 74), "english_horn": (69, 64), "bassoon": (70, 47),
        "soprano_sax": (64, 72), "alto_sax": (65, 65), "tenor_sax": (66, 56),
        "baritone_sax": (67, 45), "muted_trumpet": (59, 70), "brass": (61, 60),
        "synth_brass": (62, 53), "recorder": (74, 79), "oohs": (53, 65), "synth_voice": (54, 55),
        "epiano": (4, 60), "steel": (25, 57), "fbass": (33, 40), "rock_organ": (18, 60),
        "reed_organ": (20, 67), "perc_organ": (17, 52), "harmonica": (22, 69),
        "distortion": (30, 52), "harpsichord": (6, 64),
    },
}
# Parts of one family, which blend.
FAMILIES = {
    "dev": {
        "strings": ("violin", "viola", "cello", "contrabass"),
        "choir": ("aahs",) * 4,
        "organ": ("drawbar", "church", "drawbar", "church"),
        "brass": ("trumpet", "horn", "trombone", "tuba"),
    },
    "val": {
        "strings": ("ensemble", "tremolo", "slow_ensemble", "synth_strings"),
        "choir": ("oohs", "oohs", "synth_voice", "synth_voice"),
        "organ": ("reed_organ", "rock_organ", "perc_organ", "rock_organ"),
        "brass": ("muted_trumpet", "brass", "synth_brass", "brass"),
    },
}
# The instruments that mixed ensembles are drawn from.
MIXED = {
    "dev": (
        "flute", "clarinet", "accordion", "horn", "nylon", "cello", "piano", "abass", "violin",
        "vibes", "trombone", "overdrive", "viola", "saw", "trumpet", "tuba",
    ),
    "val": (
        "recorder", "oboe", "alto_sax", "epiano", "steel", "bassoon", "english_horn", "fbass",
        "harmonica", "soprano_sax", "tenor_sax", "distortion", "harpsichord", "brass",
        "muted_trumpet", "baritone_sax",
    ),
}
# Bass, guitar, piano and voice of the band. The voice of dev is a recording.
BAND = {
    "dev": ("abass", "nylon", "piano", None),
    "val": ("fbass", "steel", "epiano", "oohs"),
}
BAND_BPM = {"dev": 104.0, "val": 124.0}
KITS = {"dev": (0, 40), "val": (16, 32)}  # Standard and Brush; Power and Jazz
KEYS = {"dev": (0, 7, 2, 9, 4, 11), "val": (5, 10, 3, 8, 1, 6)}  # semitones above C
PARTS_BPM = {"dev": (84, 116), "val": (72, 132)}
KIT_BPM = {"dev": (92, 112), "val": (112, 134)}

# Lengths in beats that a rhythm is drawn from; longer ones are there more often.
STEPS = {"homophonic": (2, 1.5, 1, 2, 1.5), "held": (4, 6), "drone": (64,)}
USUAL_STEPS = (1, 0.5, 0.5, 1, 1, 0.75, 0.25, 1)

# Pitch classes of the triads of a major scale, in semitones above its key.
TRIADS = {1: (0, 4, 7), 2: (2, 5, 9), 3: (4, 7, 11), 4: (5, 9, 0), 5: (7, 11, 2), 6: (9, 0, 4)}

# Pieces of a drum kit: name -> MIDI keys. The hi-hat is (closed, open).
PIECES = {
    "kick": (36,), "snare": (38,), "hat": (42, 46), "tom1": (48,), "tom2": (45,), "tom3": (43,),
    "crash": (49,), "ride": (51,),
}
# How likely the kick plays, for each sixteenth of a bar.
KICK_CHANCES = np.array([1, 0, 0.1, 0.3, 0, 0, 0.4, 0.2, 0.8, 0, 0.6, 0.2, 0, 0.1, 0.3, 0.2])
FILL = ("snare", "tom1", "tom1", "tom2", "tom3", "tom3")  # sixteenths 10 to 15


def chords(rng, key, num_chords):
    """Pitch classes `[chord][tone]` of a progression in which no chord comes twice in a row."""
    degree, found = 1, []
    for _ in range(num_chords):
        found.append([(key + semitones) % 12 for semitones in TRIADS[degree]])
        degree = int(rng.choice([other for other in TRIADS if other != degree]))
    return found


def voice_leading(rng, classes, middle):
    """One part's key for each chord: a near tone, other than the last one, around `middle`."""
    last, keys = middle, []
    for chord in classes:
        tones = [key for key in range(middle - 8, middle + 9) if key % 12 in chord]
        tones.sort(key=lambda key: abs(key - last) + 0.25 * abs(key - middle))
        tones = [key for key in tones if key != last] or tones
        last = tones[0] if rng.random() < 0.6 else tones[min(1, len(tones) - 1)]
        keys.append(last)
    return keys


class Plan(NamedTuple):
    """The rhythm, the chords and the rests that all parts of a piece share."""

    style: str
    bpm: float
    key: int  # semitones above C
    steps: list  # (start in beats, length in beats)
    classes: list  # pitch classes `[step][tone]`
    plays: np.ndarray  # `[part, bar]`, False where a part rests
    bar_beats: int


def rhythm(rng, style, length_beats):
    """Steps (start, length), in beats without gaps, that fill at least `length_beats`."""
    pattern = STEPS.get(style, USUAL_STEPS)
    steps, at = [], 0.0
    while at < length_beats:
        length = pattern[int(rng.integers(len(pattern)))]
        steps.append((at, length))
        at += length
    return steps


def rests(rng, style, num_parts, num_bars, bar_s):
    """Bars in which each part plays: booleans `[part, bar]`."""
    plays = np.ones((num_parts, num_bars), bool)
    if style == "solo":
        plays = np.arange(num_bars) % num_parts == np.arange(num_parts)[:, None]
    elif style == "sparse":
        plays = rng.random((num_parts, num_bars)) < 0.5
        for bar in range(num_bars):
            plays[rng.integers(num_parts), bar] = True
        for part in range(num_parts):
            plays[part, rng.permutation(num_bars)[:2]] = True
        for part in range(num_parts):
            plays[part, (part + 1) % num_bars] = False
    elif style == "late":
        # The second half of the parts enters one after the other, from 6 s on.
        first = (num_parts + 1) // 2
        for part in range(first, num_parts):
            plays[part] = np.arange(num_bars) * bar_s >= 6 + 0.4 * (part - first)
    return plays


def parts(rng, set_name, names, style, length_s, key=None):
    """Tempo in beats per minute, and the notes `[part]` of instruments that play together.

    Styles: `dense` (all play nearly always), `homophonic` (the same in longer notes), `sparse`
    (with rests), `solo` (one after the other), `late` (some enter after 6 s), `held` (long chords)
    and `drone` (one note).
    """
    bpm = float(rng.uniform(*PARTS_BPM[set_name]))
    if key is None:
        key = KEYS[set_name][rng.integers(6)]
    steps = rhythm(rng, style, length_s * bpm / 60 + 1)
    classes = chords(rng, key, len(steps))
    bar_beats = 2 if style == "solo" else 3
    num_bars = int(np.ceil(sum(steps[-1]) / bar_beats))
    plays = rests(rng, style, len(names), num_bars, bar_beats * 60 / bpm)
    plan = Plan(style, bpm, key, steps, classes, plays, bar_beats)
    middles = [PALETTES[set_name][name][1] + shift(names, part) for part, name in enumerate(names)]
    return bpm, [part_notes(rng, plan, part, middle) for part, middle in enumerate(middles)]


def shift(names, part):
    """Semitones that spread parts of one instrument over the registers."""
    same = [other for other, name in enumerate(names) if name == names[part]]
    if len(same) < 2:
        return 0
    return ((6, -8) if len(same) == 2 else (9, -3, -10, -17))[same.index(part)]


def part_notes(rng, plan, part, middle):
    """Notes of one part, whose tones lie around the key `middle`."""
    if plan.style == "drone":
        tonic_or_fifth = middle - (middle - plan.key) % 12 + (0, 7, 0, 7)[part % 4]
        keys = [tonic_or_fifth] * len(plan.steps)
    else:
        keys = voice_leading(rng, plan.classes, middle)
    notes = []
    for (start, length), chord, key in zip(plan.steps, plan.classes, keys):
        bar = int(start // plan.bar_beats)
        if not plan.plays[part, min(bar, plan.plays.shape[1] - 1)]:
            continue
        if plan.style in ("solo", "sparse", "late"):  # never into the next bar
            length = min(length, (bar + 1) * plan.bar_beats - start)
        exact = plan.style in ("held", "drone")
        jitter = 0.0 if exact else rng.normal(0, 0.006) * plan.bpm / 60
        velocity = int(rng.integers(76, 112))
        sounding = max(0.1, length * 0.96 - abs(jitter))
        notes.append((max(0.0, start + jitter), sounding, int(key), velocity))
        if plan.style == "held":
            between = min(tone for tone in range(key + 1, key + 12) if tone % 12 in chord)
            notes.append((start, length * 0.96, int(key) + 12, 80))
            notes.append((start, length * 0.96, between, 80))
    return notes


def groove(rng, length_s, bpm, pieces):
    """Hits of each of `pieces`: straight rock with fills, toms, crash and ride."""
    step_s = 60 / bpm / 4
    hits = {piece: [] for piece in PIECES}
    kicks = rng.random(16) < KICK_CHANCES
    for step in range(int(length_s / step_s) + 1):
        for piece, strength, note in sixteenth(rng, step, kicks):
            time_s = max(0.0, step * step_s + rng.normal(0, 0.004))
            strength = float(np.clip(strength + rng.normal(0, 0.05), 0.15, 1))
            hits[piece].append((time_s, strength, note))
    return {piece: hits[piece] for piece in pieces}


def sixteenth(rng, step, kicks):
    """Yields (piece, strength, note) of one sixteenth; the fill is the end of every second bar."""
    bar, at = divmod(step, 16)
    fill = bar % 2 == 1 and at >= 10
    if kicks[at] and not (fill and at % 2):
        yield "kick", 0.9, 0
    if at in (4, 12) and not fill:
        yield "snare", 0.95, 0
    elif at in (7, 9, 15) and rng.random() < 0.45 and not fill:
        yield "snare", 0.3, 0
    if fill:
        yield FILL[at - 10], 0.85, 0
    elif bar % 4 == 3 and at == 0:
        yield "tom3", 0.9, 0
    if at % 2 == 0 and not fill:
        strength = 0.85 if at % 4 == 0 else 0.6
        if bar % 4 < 2:
            yield "hat", strength, int(at == 14)
        else:
            yield "ride", strength, 0
            if at == 4:
                yield "hat", 0.5, 0
    if at == 0 and bar % 2 == 0:
        yield "crash", 0.9, 0


def accompaniment(rng, role, middle, classes):
    """Notes of the band's `bass`, `guitar` or `piano`: eight quavers to a chord of four beats."""
    notes = []
    for (bar, chord), quaver in itertools.product(enumerate(classes), range(8)):
        tones = [key for key in range(middle - 6, middle + 7) if key % 12 in chord][:4]
        velocity = int(rng.integers(74, 112))
        start = max(0.0, bar * 4 + quaver / 2 + float(rng.normal(0, 0.008)))
        bass_tone = chord[0 if quaver % 4 == 0 else int(rng.integers(3))]
        if role == "bass":
            if quaver % 2 == 0 or rng.random() < 0.4:
                key = next(k for k in range(middle - 6, middle + 6) if k % 12 == bass_tone)
                notes.append((start, 0.45, key, velocity))
        elif role == "guitar":
            if quaver in (0, 3, 4, 6, 7):  # strummed: a string every 0.02 beats
                strings = enumerate(tones)
                notes += [(start + 0.02 * n, 0.42, key, velocity) for n, key in strings]
        elif quaver in (0, 3, 5):
            notes += [(start, 1.0, key, velocity - 10) for key in tones]
    return notes


def melody(rng, middle, classes):
    """Notes of the band's voice, one to a beat with two rests in eight."""
    keys = voice_leading(rng, [chord for chord in classes for _ in range(4)], middle)
    return [
        (beat + float(rng.normal(0, 0.01)) + 0.02, 0.85, key, 100)
        for beat, key in enumerate(keys)
        if beat % 8 not in (3, 7)
    ]

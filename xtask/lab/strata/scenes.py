"""The scenes of all strata: which instruments play in which room, and what is hard about each."""

import functools
import zlib
from typing import Callable, NamedTuple

import numpy as np

import music
import rooms
from mix import PEAK, Scene, recorded, without_bleed
from sounds import KIT_FOLDER, KIT_MICS, RATE_HZ, VOICE_FOLDER, Sounds, levelled, lin

LENGTH_S = 11.0
NUM_SAMPLES = int(LENGTH_S * RATE_HZ)
SETS = ("dev", "val")
SEEDS = {"dev": 1000, "val": 2000}

MIKED_PIECES = ("kick", "snare", "hat", "tom1", "tom2", "tom3", "ride")
BAND_DB = {**rooms.KIT_DB, "bass": -5, "guitar": -6, "piano": -9, "voice": -9}
# Sources of the recorded kit; a mic's own one is the first word of its name.
KIT_SOURCES = (
    "KdrumL", "KdrumR", "Snare", "Hihat", "Tom1", "Tom2", "Tom3", "Tom4", "RideL", "RideR", "Crash",
)
TEXTS = (
    "The morning train was late again, so we walked along the river and counted the boats that "
    "went by under the old bridge.",
    "Put the flour in a large bowl, add two eggs and a cup of milk, then stir slowly until nothing "
    "sticks to the spoon.",
    "If you turn left at the church you will see a yellow house; the man who lives there repairs "
    "clocks and old radios.",
    "Nobody knew who had left the window open, but the papers were all over the floor and the cat "
    "was asleep on top of them.",
)
VOICES = {
    "dev": ("en-us+m3", "en-us+f2", "en-us+m7", "en-us+f4"),
    "val": ("en-gb-scotland+m1", "en-gb+f3", "en-gb+m5", "en-gb-scotland+f1"),
}


class Draw(NamedTuple):
    """All that a scene is drawn from."""

    rng: np.random.Generator
    set_name: str
    sounds: Sounds

    def pick(self, num_names):
        """Names of different instruments of this set."""
        return [str(name) for name in self.rng.permutation(music.MIXED[self.set_name])[:num_names]]

    def parts(self, names, style, num_samples=NUM_SAMPLES, key=None):
        """Dry sounds `[part, sample]` in one of the styles of `music.parts`."""
        length_s = num_samples / RATE_HZ
        bpm, parts = music.parts(self.rng, self.set_name, names, style, length_s, key)
        programs = [music.PALETTES[self.set_name][name][0] for name in names]
        played = zip(parts, programs)
        return np.array([self.sounds.play(notes, n, bpm, num_samples) for notes, n in played])

    def kit(self, kit_index, pieces=tuple(music.PIECES), bpm=None):
        """Dry sounds `[piece, sample]` of one of the two kits of this set."""
        bpm = bpm or float(self.rng.uniform(*music.KIT_BPM[self.set_name]))
        hits = music.groove(self.rng, LENGTH_S, bpm, pieces)
        return self.sounds.kit(hits, music.KITS[self.set_name][kit_index], bpm, NUM_SAMPLES)

    def room(self, kind, num_mics):
        """A room of `rooms.KINDS` for as many sources as mics."""
        return rooms.KINDS[kind](self.rng, self.set_name, num_mics)


class Maker(NamedTuple):
    """How a scene is made, and what that takes."""

    make: Callable  # Draw -> Scene
    sets: tuple  # the sets that have it
    programs: tuple  # what plays
    recordings: dict  # set -> the folder of recordings that it needs
    all_play: bool  # no mic's own source ever rests


MAKERS = {}


def scene(
    stratum, name, sets=SETS, programs=("fluidsynth",), recordings=(), all_play=False
):
    """Enters what follows as a scene: a function from Draw to Scene."""

    def enter(make):
        maker = Maker(make, sets, programs, dict(recordings), all_play)
        MAKERS[f"{stratum}__{name}"] = maker
        return make

    return enter


def generator(set_name, name):
    """The generator from which a scene is drawn: each name has its own, in each set."""
    return np.random.default_rng([SEEDS[set_name], zlib.crc32(name.encode())])


def make_scene(set_name, name, sounds):
    """One scene by its name."""
    return MAKERS[name].make(Draw(generator(set_name, name), set_name, sounds))


# Ensembles


def ensemble(style, num_mics, sdr_db, room, family=None):
    """A maker of mixed instruments, or of those of one family."""

    def make(draw):
        if family is None:
            names = draw.pick(num_mics)
        else:
            names = music.FAMILIES[draw.set_name][family][:num_mics]
        dry = draw.parts(names, style)
        return recorded(dry, draw.room(room, num_mics), names, sdr_db)

    return make


def same_music(room):
    """A maker of four parts that are the same in every room: its name is not in their seed."""

    def make(draw):
        draw = draw._replace(rng=generator(draw.set_name, "room"))
        names = draw.pick(4)
        dry = draw.parts(names, "dense")
        return recorded(dry, draw.room(room, 4), names, 5)

    return make


def enter_ensembles():
    """The strata solo, sparse, dense, homophonic and room."""
    for style, num_mics, sdr_db, room in (
        ("solo", 3, 0, "tail"),
        ("solo", 4, 10, "shoebox"),
        ("sparse", 4, 0, "shoebox"),
        ("sparse", 8, 5, "tail"),
        ("sparse", 3, 15, "none"),
        ("dense", 2, 0, "none"),
        ("dense", 4, 5, "shoebox"),
        ("dense", 8, 10, "shoebox"),
        ("dense", 4, 20, "tail"),
    ):
        make = ensemble(style, num_mics, sdr_db, room)
        name = f"{num_mics}mics_{sdr_db}db_{room}"
        scene(style, name, all_play=style == "dense")(make)
    for sdr_db, room, families in (
        (-3, "tail", {"dev": "strings", "val": "brass"}),
        (0, "shoebox", {"dev": "choir", "val": "organ"}),
        (5, "none", {"dev": "organ", "val": "choir"}),
        (10, "tail", {"dev": "brass", "val": "strings"}),
        (20, "shoebox", {"dev": "strings", "val": "brass"}),
    ):
        for set_name, family in families.items():
            make = ensemble("homophonic", 4, sdr_db, room, family)
            name = f"{family}_{sdr_db}db_{room}".replace("-", "m")
            scene("homophonic", name, sets=(set_name,), all_play=True)(make)
    for room in rooms.KINDS:
        scene("room", f"{room}_4mics_5db", all_play=True)(same_music(room))


enter_ensembles()


@scene("mics16", "16mics_8db_tail")
def sixteen_mics(draw):
    names = draw.pick(16)
    dry = draw.parts(names, "sparse", num_samples=10 * RATE_HZ)
    rt60_s = {"dev": 0.25, "val": 0.3}[draw.set_name]
    return recorded(dry, rooms.parametric(draw.rng, draw.set_name, 16, rt60_s=rt60_s), names, 8)


def uneven_db(rng, num_parts):
    """Levels of parts in dB `[part]`, of which the softest is 15 dB below the loudest."""
    levels_db = np.concatenate([[0, -15], rng.uniform(-15, 0, num_parts - 2)])
    return levels_db[rng.permutation(num_parts)]


@scene("levels", "apart_15db_tail", all_play=True)
def apart(draw):
    names = draw.pick(4)
    dry = draw.parts(names, "dense")
    dry *= lin(uneven_db(draw.rng, 4))[:, None]
    return recorded(dry, draw.room("tail", 4), names, 6)


@scene("levels", "apart_15db_preamps_shoebox")
def preamps(draw):
    """As loud in the mics as one another, which the preamps see to."""
    names = draw.pick(6)
    levels_db = uneven_db(draw.rng, 6)
    dry = draw.parts(names, "sparse") * lin(levels_db)[:, None]
    made = recorded(dry, draw.room("shoebox", 6), names, 6)
    made.scale_mics(-levels_db)
    return made


# Drums and band


def reordered(dry, names, first):
    """Sounds `[source, sample]` and their names, with the ones of `first` before all others."""
    order = list(first) + [name for name in names if name not in first]
    return dry[[names.index(name) for name in order]], order


def drums(mics, room, kit_index):
    """A maker of a whole kit, of which only the pieces of `mics` have a mic."""

    def make(draw):
        dry, pieces = reordered(draw.kit(kit_index), list(music.PIECES), mics)
        if room == "tail":
            responses = rooms.kit_tail(draw.rng, draw.set_name, mics, pieces)
        else:
            responses = rooms.kit_shoebox(draw.rng, draw.set_name, mics, pieces)
            dry = dry * lin([rooms.KIT_DB[piece] for piece in pieces])[:, None]
        return recorded(dry, responses, mics)

    return make


scene("drums", "kit_7mics_tail")(drums(MIKED_PIECES, "tail", 0))
scene("drums", "kit_7mics_shoebox")(drums(MIKED_PIECES, "shoebox", 1))
scene("unmiked", "kit_3mics_tail")(drums(("kick", "snare", "hat"), "tail", 1))
scene("unmiked", "kit_3mics_shoebox")(drums(("kick", "snare", "tom3"), "shoebox", 0))


def band(draw, pieces):
    """Drums, bass, guitar, piano and voice: dry sounds `[source, sample]`, and their names."""
    bpm, palette = music.BAND_BPM[draw.set_name], music.PALETTES[draw.set_name]
    kit = draw.kit(0, pieces, bpm)
    key = music.KEYS[draw.set_name][draw.rng.integers(6)]
    num_beats = LENGTH_S * bpm / 60 + 1
    classes = music.chords(draw.rng, key, int(num_beats / 4) + 1)
    others = ["bass", "guitar", "piano", "voice"]
    dry = []
    for role, name in zip(others, music.BAND[draw.set_name]):
        if name is None:
            dry.append(draw.sounds.sing(draw.rng, NUM_SAMPLES))
            continue
        program, middle = palette[name]
        if role == "voice":
            notes = music.melody(draw.rng, middle, classes)
        else:
            notes = music.accompaniment(draw.rng, role, middle, classes)
        dry.append(draw.sounds.play(notes, program, bpm, NUM_SAMPLES))
    return np.vstack([kit, dry]), list(pieces) + others


@scene("band", "6mics_tail", recordings={"dev": VOICE_FOLDER})
def band_of_six(draw):
    """The hi-hat has no mic."""
    dry, names = band(draw, ("kick", "snare", "hat"))
    mics = ["kick", "snare", "bass", "guitar", "piano", "voice"]
    dry, _ = reordered(dry, names, mics)
    dry = dry * lin([2, 2, -4, -6, -6, -5, -10])[:, None]
    return recorded(dry, rooms.band_tail(draw.rng, draw.set_name), mics, 7)


@scene("band", "8mics_shoebox", recordings={"dev": VOICE_FOLDER})
def band_of_eight(draw):
    """Half of the kit has no mic."""
    dry, names = band(draw, tuple(music.PIECES))
    mics = ["kick", "snare", "hat", "tom3", "bass", "guitar", "piano", "voice"]
    dry, names = reordered(dry, names, mics)
    dry = dry * lin([BAND_DB[name] for name in names])[:, None]
    return recorded(dry, rooms.band_shoebox(draw.rng, draw.set_name, mics, names), mics)


def take(piece, number, note):
    """Where the recorded kit has the hit of this number in the groove: folder and source."""
    if piece == "kick":
        return ("KdrumL", "KdrumL") if number % 3 else ("KdrumR", "KdrumR")
    if piece == "hat":
        return ("HihatClosed", "HihatOpen")[note], "Hihat"
    if piece == "tom1":
        return (("Tom1", "Tom1"), ("Tom2", "Tom2"))[number % 2]
    if piece == "crash":
        return ("CrashL", "CrashR", "China")[number % 3], "Crash"
    if piece == "ride":
        return (("RideL", "RideL"), ("RideR", "RideR"), ("RideLBell", "RideL"))[number % 3]
    same = {"snare": "Snare", "tom2": "Tom3", "tom3": "Tom4"}[piece]
    return same, same


def recorded_kit(mics, groups):
    """A maker of the recorded kit: a mic is the sum of all hits, each as all mics recorded it."""

    def make(draw):
        bpm = float(draw.rng.uniform(96, 116))
        hits = music.groove(draw.rng, LENGTH_S, bpm, tuple(music.PIECES))
        images = np.zeros((len(mics), len(KIT_SOURCES), NUM_SAMPLES), np.float32)
        recorded_hit = functools.cache(lambda *take: draw.sounds.recorded_hit(*take, mics))
        for piece, all_hits in hits.items():
            for number, (time_s, strength, note) in enumerate(all_hits):
                folder, source = take(piece, number, note)
                hit = recorded_hit(folder, int(np.clip(round(strength * 4.4), 0, 4)))
                hit = hit * lin(draw.rng.uniform(-2, 1))
                start = int(time_s * RATE_HZ)
                end = min(NUM_SAMPLES, start + hit.shape[1])
                images[:, KIT_SOURCES.index(source), start:end] += hit[:, : end - start]
        own = [KIT_SOURCES.index(mic.split("_")[0]) for mic in mics]
        return Scene(images, own, names=mics, groups=groups, note="bleed as recorded")

    return make


def enter_recorded_kit():
    """The stratum real."""
    six = ("KdrumL", "Snare_top", "Hihat", "Tom1", "Tom4", "RideR")
    for name, mics, groups in (("11mics", KIT_MICS, [[3, 4]]), ("6mics", six, [])):
        enter = scene(
            "real", f"muldjord_{name}", sets=("dev",), programs=(), recordings={"dev": KIT_FOLDER}
        )
        enter(recorded_kit(mics, groups))


enter_recorded_kit()


# The odd ones: each is hard, or a trap, in its own way


@scene("odd", "organ_held", all_play=True)
def organ_held(draw):
    """Long chords in the same places."""
    names = music.FAMILIES[draw.set_name]["organ"][:3]
    dry = draw.parts(names, "held", key=music.KEYS[draw.set_name][0])
    return recorded(dry, draw.room("tail", 3), names, 6)


@scene("odd", "drone", all_play=True)
def drone(draw):
    """One note from each, from the beginning to the end."""
    names = {
        "dev": ("cello", "accordion", "church"), "val": ("slow_ensemble", "reed_organ", "harmonica")
    }[draw.set_name]
    dry = draw.parts(names, "drone")
    return recorded(dry, draw.room("shoebox", 3), names, 6)


@scene("odd", "rain", programs=())
def rain(draw):
    """Independent pink noise in each mic, and nothing to remove."""
    num_mics = {"dev": 4, "val": 3}[draw.set_name]
    frequency_hz = np.fft.rfftfreq(NUM_SAMPLES, 1 / RATE_HZ)
    white = np.fft.rfft(draw.rng.standard_normal((num_mics, NUM_SAMPLES)))
    pink = np.fft.irfft(white / np.sqrt(np.maximum(frequency_hz, 20)), NUM_SAMPLES)
    return without_bleed(np.array([levelled(noise) for noise in pink]), ["rain"] * num_mics)


@scene("odd", "nobleed", all_play=True)
def no_bleed(draw):
    """Music in which no mic gets anything of the others."""
    names = draw.pick(4)
    return without_bleed(draw.parts(names, "dense"), names)


@scene("odd", "hum")
def hum(draw):
    names = draw.pick(4)
    dry = draw.parts(names, "sparse")
    made = recorded(dry, draw.room("tail", 4), names, 8)
    time_s = np.arange(NUM_SAMPLES) / RATE_HZ
    mains_hz = {"dev": 50, "val": 60}[draw.set_name]
    wave = sum(
        np.sin(2 * np.pi * mains_hz * harmonic * time_s + draw.rng.uniform(0, 6.28)) / harmonic
        for harmonic in (1, 2, 3, 5, 7, 9)
    )
    made.extra = 0.1 * lin(draw.rng.uniform(-30, -20, 4))[:, None] * wave
    made.note = f"{mains_hz} Hz hum, the same in all mics, in mic and target"
    return made


@scene("odd", "samemic", all_play=True)
def same_mic(draw):
    names = draw.pick(3)
    dry = draw.parts(names, "dense")
    made = recorded(dry, draw.room("tail", 3), names, 8)
    made.images = np.concatenate([made.images, made.images[:1]])
    made.own.append(0)
    made.names.append(names[0])
    made.note = "mic 4 is mic 1"
    return made


@scene("odd", "twomics", all_play=True)
def two_mics(draw):
    names = draw.pick(4)
    dry = draw.parts(names, "dense")
    responses, rt60_s = draw.room("tail", 4)
    delays_s, gains_db = (0.0016, 0.006, 0.009, 0.011), (-3, -8, -10, -12)
    fifth = [
        rooms.path(draw.rng, delay_s, lin(gain_db), rt60_s, -10)
        for delay_s, gain_db in zip(delays_s, gains_db)
    ]
    room = (responses + [fifth], rt60_s)
    made = recorded(dry, room, names + names[:1], 8, own=[0, 1, 2, 3, 0])
    made.note = "mics 1 and 5 share a source, ungrouped"
    return made


@scene("odd", "moved", all_play=True)
def moved(draw):
    names = draw.pick(4)
    dry = draw.parts(names, "dense")
    made = recorded(dry, draw.room("tail", 4), names, 7)
    after = recorded(dry, draw.room("tail", 4), names, 5)
    since_half_samples = np.arange(NUM_SAMPLES) - NUM_SAMPLES // 2
    fade = np.clip(since_half_samples / (0.05 * RATE_HZ) + 0.5, 0, 1).astype(np.float32)
    made.images = made.images * (1 - fade) + after.images * fade
    made.note = "another room and other mic positions from half on"
    return made


@scene("odd", "late")
def late(draw):
    """Half of the parts are first there after 6 s."""
    names = draw.pick(4)
    dry = draw.parts(names, "late")
    return recorded(dry, draw.room("shoebox", 4), names, 7)


@scene("odd", "talkers", programs=("espeak-ng",))
def talkers(draw):
    """All at once, without listening to one another."""
    rng = draw.rng
    order = rng.permutation(4)
    num_talkers = {"dev": 4, "val": 3}[draw.set_name]
    dry = []
    for talker in range(num_talkers):
        text = " ".join([TEXTS[order[talker]], TEXTS[order[talker - 1]]])
        words_per_minute, pitch = int(rng.integers(140, 180)), int(rng.integers(30, 70))
        voice = VOICES[draw.set_name][talker]
        dry.append(draw.sounds.speak(voice, text, words_per_minute, pitch, NUM_SAMPLES))
    room = rooms.shoebox(rng, draw.set_name, num_talkers, own_m=(0.2, 0.6))
    return recorded(np.array(dry), room, [f"talker{n + 1}" for n in range(num_talkers)], 6)


@scene("odd", "dc", all_play=True)
def dc(draw):
    names = draw.pick(4)
    dry = draw.parts(names, "dense")
    made = recorded(dry, draw.room("tail", 4), names, 8)
    made.extra = np.zeros((4, NUM_SAMPLES))
    for _ in range(4):  # DC changes the peak that it is measured by
        made.extra[1] = 0.02 * made.peak() / PEAK
    made.note = "DC of 0.02 in mic 2 and its target"
    return made

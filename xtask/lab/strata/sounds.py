"""Turns notes, text and recordings into dry sounds: fluidsynth, espeak-ng, and optional recordings.

A sound is an array `[sample]` or `[source, sample]`, linear with full scale 1, at RATE_HZ.
"""

import pathlib
import shutil
import struct
import subprocess
import tempfile

import numpy as np
import soundfile
from scipy.signal import resample_poly

from music import PIECES

RATE_HZ = 44100
DEFAULT_SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"  # where Debian's package puts it
DRUM_CHANNEL = 9  # of General MIDI
TICKS_PER_BEAT = 480

# The material that scenes can need beside the SoundFont: folders of --data.
KIT_FOLDER = "drums_muldjord"
VOICE_FOLDER = "dry_voice_vocadito1"
VOICE_FILE = "vocadito_1.flac"
# Mics of the recorded kit in the order of its files' channels, without the two overheads.
KIT_MICS = (
    "KdrumL", "KdrumR", "Snare_top", "Snare_bottom", "Hihat", "Tom1", "Tom2", "Tom3", "Tom4",
    "RideL", "RideR",
)


class StrataError(Exception):
    """Something that the user can put right, in one line."""


def db(amplitude):
    """Decibels of an amplitude, not below -240 dB."""
    return 20 * np.log10(np.maximum(amplitude, 1e-12))


def lin(decibels):
    """Amplitude of decibels."""
    return 10 ** (np.asarray(decibels, float) / 20)


def fit(sound, length_samples):
    """The sound cut or filled up to `length_samples`, with 60 ms of fade at its end."""
    fitted = np.pad(sound, (0, max(0, length_samples - sound.size)))[:length_samples].copy()
    fade_samples = int(0.06 * RATE_HZ)
    fitted[-fade_samples:] *= np.linspace(1, 0, fade_samples)
    return fitted


def levelled(sound):
    """The sound with an RMS of 0.1 over all samples within 60 dB of its peak."""
    loud = sound[np.abs(sound) > 1e-3 * np.abs(sound).max()]
    return sound * 0.1 / np.sqrt(np.mean(loud**2))


def peak_rms(sound):
    """RMS of the loudest 50 ms."""
    window_samples = int(0.05 * RATE_HZ)
    energy = np.cumsum(np.pad(sound**2, (1, 0)))
    loudest = np.max(energy[window_samples:] - energy[:-window_samples])
    return float(np.sqrt(loudest / window_samples))


def variable_length(number):
    """A number as MIDI files write times: 7 bits a byte, the highest first."""
    found = [number & 127]
    number >>= 7
    while number:
        found.append(128 | number & 127)
        number >>= 7
    return bytes(reversed(found))


def midi_file(notes, program, bpm, channel):
    """Bytes of a MIDI file of one track with these notes."""
    events = []
    for start, length, key, velocity in notes:
        events.append((start, 1, bytes([0x90 | channel, key, velocity])))
        events.append((start + length, 0, bytes([0x80 | channel, key, 0])))  # off before on
    track = b"\0\xff\x51\x03" + int(6e7 / bpm).to_bytes(3, "big")
    track += bytes([0, 0xC0 | channel, program])
    last_ticks = 0
    for beats, _, event in sorted(events):
        ticks = int(round(beats * TICKS_PER_BEAT))
        track += variable_length(ticks - last_ticks) + event
        last_ticks = ticks
    track += b"\0\xff\x2f\0"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def run(command, output):
    """Runs a program that writes a sound file; returns samples `[sample, channel]` and rate."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode != 0 or not output.exists():
        said = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise StrataError(f"{command[0]} failed: {said}")
    return soundfile.read(output, always_2d=True)


def recording(path):
    """Samples `[sample, channel]` of a recording."""
    sound, rate_hz = soundfile.read(path, always_2d=True)
    if rate_hz != RATE_HZ:
        raise StrataError(f"{path} has {rate_hz} Hz instead of {RATE_HZ}")
    return sound


class Sounds:
    """All that makes sound: the SoundFont (a path) and the folder of recordings (or None)."""

    def __init__(self, soundfont=DEFAULT_SOUNDFONT, data=None):
        self.soundfont = pathlib.Path(soundfont)
        self.data = None if data is None else pathlib.Path(data)
        if self.data is not None and not self.data.is_dir():
            raise StrataError(f"{self.data} is not a folder (--data)")

    def require(self, program):
        """Raises an error that names what to install if `program` or the SoundFont is missing."""
        if shutil.which(program) is None:
            raise StrataError(f"{program} is missing: apt install {program}")
        if program == "fluidsynth" and not self.soundfont.is_file():
            raise StrataError(
                f"no SoundFont at {self.soundfont}: apt install fluid-soundfont-gm, "
                "or use --soundfont FILE"
            )

    def has_recordings(self, folder):
        """True if the folder of recordings has this one."""
        if self.data is None:
            return False
        if folder == VOICE_FOLDER:
            return (self.data / folder / VOICE_FILE).is_file()
        return (self.data / folder).is_dir()

    def play(self, notes, program, bpm, length_samples, channel=0):
        """Dry sound `[sample]` of one part, levelled. Notes are as in `music`."""
        with tempfile.TemporaryDirectory() as folder:
            midi, output = pathlib.Path(folder, "a.mid"), pathlib.Path(folder, "a.wav")
            midi.write_bytes(midi_file(notes, program, bpm, channel))
            sound, _ = run(
                ["fluidsynth", "-ni", "-R", "0", "-C", "0", "-r", str(RATE_HZ), "-g", ".5"]
                + ["-O", "float", "-F", str(output), str(self.soundfont), str(midi)],
                output,
            )
        sound = sound.mean(1)
        if sound.size == 0 or np.abs(sound).max() <= 1e-3:
            raise StrataError(
                f"{self.soundfont} is not a General MIDI SoundFont: program {program} is silent"
            )
        return levelled(fit(sound, length_samples))

    def speak(self, voice, text, words_per_minute, pitch, length_samples):
        """Dry sound `[sample]` of a talker; `pitch` is espeak-ng's, 0 to 99."""
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder, "a.wav")
            sound, rate_hz = run(
                ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "-p", str(pitch)]
                + ["-w", str(output), text],
                output,
            )
        return levelled(fit(resample_poly(sound[:, 0], RATE_HZ, rate_hz), length_samples))

    def sing(self, rng, length_samples):
        """Dry sound `[sample]` of a recorded singer, from a drawn place on."""
        sound = recording(self.data / VOICE_FOLDER / VOICE_FILE)[:, 0]
        start = int(rng.integers(2 * RATE_HZ, sound.size - length_samples - RATE_HZ))
        return levelled(fit(sound[start:], length_samples))

    def kit(self, hits, program, bpm, length_samples):
        """Dry sounds `[piece, sample]` of a groove; each one's loudest 50 ms have an RMS of 0.2."""
        pieces = []
        for piece, all_hits in hits.items():
            total = np.zeros(length_samples)
            for number, key in enumerate(PIECES[piece]):
                mine = [(time_s, strength) for time_s, strength, n in all_hits if n == number]
                if not mine:
                    continue
                notes = [(t * bpm / 60, 0.2, key, int(30 + 95 * strength)) for t, strength in mine]
                sound = self.play(notes, program, bpm, length_samples, DRUM_CHANNEL)
                is_open = number == 1
                if is_open:
                    choke(sound, all_hits)
                total += sound / peak_rms(sound) * (0.9 if is_open else 1)
            pieces.append(total * 0.2 / peak_rms(total))
        return np.array(pieces)

    def recorded_hit(self, folder, number, mics):
        """One hit `[mic, sample]` of the recorded kit, seen by some of KIT_MICS.

        `folder` is a piece; its hits are numbered from the softest one, and the last one stands in
        for those that it lacks.
        """
        paths = sorted((self.data / KIT_FOLDER / folder).glob("*_mics01-08.flac"))
        if not paths:
            raise StrataError(f"{self.data / KIT_FOLDER / folder} has no *_mics01-08.flac")
        first = paths[min(number, len(paths) - 1)]
        second = first.with_name(first.name.replace("mics01-08", "mics09-13"))
        both = [recording(path) for path in (first, second)]
        return np.concatenate(both, 1).T[[KIT_MICS.index(mic) for mic in mics]]


def choke(sound, hits):
    """Ends an open hi-hat where the closed one (note 0) is hit, in place.

    `sound` is the open hi-hat alone, `[sample]`; `hits` are those of both.
    """
    opened = [time_s for time_s, _, note in hits if note == 1]
    closed = [time_s for time_s, _, note in hits if note == 0]
    for close_s in closed:
        before_s = max((time_s for time_s in opened if time_s < close_s), default=None)
        if before_s is None or any(before_s < time_s < close_s for time_s in closed):
            continue
        next_s = min((t for t in opened if t > close_s), default=sound.size / RATE_HZ)
        start = int(close_s * RATE_HZ)
        end = min(sound.size, int((next_s - 0.003) * RATE_HZ))
        fade_samples = min(int(0.03 * RATE_HZ), end - start)
        if fade_samples > 0:
            sound[start : start + fade_samples] *= np.linspace(1, 0, fade_samples)
            sound[start + fade_samples : end] = 0

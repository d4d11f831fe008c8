"""Puts dry sounds into a room: the images of all sources at all mics, with their truth."""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from sounds import lin

PEAK = 0.5  # of the loudest mic


class Scene:
    """What every mic gets from every source, which is the truth as well.

    `images` is `[mic, source, sample]`, `own` the source of each mic. A mic's target is the image
    of its own source, its bleed the sum of all others. `extra` is `[mic, sample]` or None: sound
    of the mic itself that no source makes, in mic and target. `groups` holds mics of one source,
    counted from 1.
    """

    def __init__(self, images, own, rt60_s=0.0, names=(), groups=(), note=""):
        self.images = images
        self.own = list(own)
        self.rt60_s = rt60_s
        self.names = list(names)
        self.groups = list(groups)
        self.note = note
        self.extra = None

    def sdr_db(self):
        """SDR of the mics that have bleed, in dB."""
        found = []
        for image, source in zip(self.images, self.own):
            bleed = image.sum(0) - image[source]
            wanted = np.sum(image[source].astype(float) ** 2)
            unwanted = np.sum(bleed.astype(float) ** 2)
            if wanted > 0 and unwanted > 1e-12 * wanted:
                found.append(10 * np.log10(wanted / unwanted))
        return found

    def scale_bleed(self, sdr_db):
        """Scales all bleed by one gain, so that the mean SDR of the mics becomes `sdr_db`."""
        gain = lin(np.mean(self.sdr_db()) - sdr_db)
        for image, source in zip(self.images, self.own):
            own = image[source].copy()
            image *= gain
            image[source] = own

    def scale_mics(self, gains_db):
        """Turns the preamp of each mic, in dB `[mic]`."""
        self.images *= lin(gains_db)[:, None, None]

    def peak(self):
        """The highest sample of all mics, before `render` scales it to PEAK."""
        total = self.images.sum(1)
        return np.abs(total if self.extra is None else total + self.extra).max()

    def render(self):
        """Mics and targets, both `[mic, sample]`, of which the loudest mic peaks at PEAK."""
        pairs = zip(self.images, self.own)
        target = np.array([image[source] for image, source in pairs], float)
        bleed = self.images.sum(1, dtype=float) - target
        if self.extra is not None:
            target = target + self.extra
        gain = PEAK / np.abs(target + bleed).max()
        return ((target + bleed) * gain).astype(np.float32), (target * gain).astype(np.float32)


def convolve(dry, responses):
    """Images `[mic, source, sample]` of sounds `[source, sample]`, as long as these."""
    num_samples = dry.shape[1]
    longest = max(len(response) for row in responses for response in row)
    size = next_fast_len(num_samples + longest, real=True)
    spectra = [rfft(sound, size) for sound in dry]
    images = [
        [
            irfft(rfft(response, size) * spectrum, size)[:num_samples]
            for response, spectrum in zip(row, spectra)
        ]
        for row in responses
    ]
    return np.array(images, np.float32)


def recorded(dry, room, names, sdr_db=None, own=None):
    """The scene of sounds `[source, sample]` in a room of `rooms`; `names` are those of the mics.

    Without `own` the mics belong to the first sources, in order.
    """
    responses, rt60_s = room
    scene = Scene(convolve(dry, responses), own or range(len(responses)), rt60_s, names)
    if sdr_db is not None:
        scene.scale_bleed(sdr_db)
    return scene


def without_bleed(dry, names):
    """A scene in which each mic gets its own source alone, `[source, sample]`, as it is."""
    images = np.zeros((len(dry),) + dry.shape, np.float32)
    mics = np.arange(len(dry))
    images[mics, mics] = dry
    return Scene(images, mics.tolist(), names=names)

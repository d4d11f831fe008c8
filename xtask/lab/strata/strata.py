"""Renders scenes with truth that the lab's own simulator did not make, sorted by what is hard.

    python3 strata.py OUT [--set dev|val] [--only PREFIX] [--data DIR] [--check]
    python3 strata.py --list [--set dev|val] [--only PREFIX] [--data DIR]

Writes OUT/<stratum>__<name>/mic{1..N}.wav, target{1..N}.wav (float, 44.1 kHz) and scene.json. A
target is the image of the mic's own source, with the room; a mic is its target plus bleed.
"""

import argparse
import json
import os
import pathlib
import sys
import time

# One thread, set before NumPy starts its own, so that sums are always rounded alike.
os.environ.setdefault("OMP_NUM_THREADS", "1")

try:
    import numpy as np
    import soundfile
    from scipy.io import wavfile

    import scenes
    from mix import PEAK
    from sounds import DEFAULT_SOUNDFONT, RATE_HZ, Sounds, StrataError, db
except ModuleNotFoundError as missing:
    sys.exit(f"strata.py: the Python package {missing.name} is missing: pip install {missing.name}")


def input_sdr_db(mics, targets):
    """SDR of each mic in dB, or None where there is no bleed; both are `[mic, sample]`."""
    found = []
    for mic, target in zip(mics.astype(float), targets.astype(float)):
        wanted, unwanted = np.sum(target**2), np.sum((mic - target) ** 2)
        has_bleed = unwanted > 1e-10 * wanted
        found.append(10 * np.log10(wanted / unwanted) if has_bleed else None)
    return found


def write(folder, name, set_name, scene):
    """Writes one scene, and returns the SDR of each mic as `input_sdr_db` does."""
    mics, targets = scene.render()
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    for kind, sounds in (("mic", mics), ("target", targets)):
        for old in folder.glob(f"{kind}*.wav"):  # of the other set, it may have more mics
            old.unlink()
        for number, sound in enumerate(sounds, 1):
            # Not by soundfile: its PEAK chunk holds the time of day.
            wavfile.write(folder / f"{kind}{number}.wav", RATE_HZ, sound)
    sdr_db = input_sdr_db(mics, targets)
    drawn = {"stratum": name.split("__")[0], "set": set_name, "note": scene.note}
    if scene.rt60_s:
        drawn["rt60_s"] = round(scene.rt60_s, 3)
    info = {
        "made_by": f"strata.py --set {set_name} --only {name}",
        "names": [str(name) for name in scene.names],
        "groups": scene.groups,
        "input_sdr_db": [None if value is None else round(value, 1) for value in sdr_db],
        "drawn": drawn,
    }
    (folder / "scene.json").write_text(json.dumps(info, indent=1))
    return sdr_db


def check(folder, name, scene):
    """Measures the written files against the scene; returns a line for every fault."""
    numbers = range(1, len(scene.own) + 1)
    mics, targets = (
        np.array([soundfile.read(folder / name / f"{kind}{n}.wav")[0] for n in numbers])
        for kind in ("mic", "target")
    )
    faults = []
    if abs(np.abs(mics).max() - PEAK) > 1e-6:
        faults.append(f"peak {np.abs(mics).max():.4f}")
    scale = PEAK / scene.peak()
    for mic, own in enumerate(scene.own):
        target = targets[mic]
        rms_db = db(np.sqrt(np.mean(target**2)))
        if rms_db < -60:
            faults.append(f"target{mic + 1} at {rms_db:.0f} dB")
        whole_seconds = target[: target.size // RATE_HZ * RATE_HZ].reshape(-1, RATE_HZ)
        seconds_db = db(np.sqrt(np.mean(whole_seconds**2, 1)))
        if scenes.MAKERS[name].all_play and seconds_db.min() < rms_db - 30:
            softest = int(seconds_db.argmin())
            rest_db = seconds_db.min() - rms_db
            faults.append(f"mic {mic + 1} rests: {rest_db:.0f} dB in second {softest}")
        # The bleed once more, source by source: nothing of the own source may be in it.
        bleed = np.zeros(target.size)
        for source, image in enumerate(scene.images[mic]):
            if source != own:
                bleed += image
        bleed *= scale
        error_db = db(np.abs(mics[mic] - target - bleed).max())
        if error_db > -110:
            faults.append(f"mic {mic + 1}: mic - target differs from bleed by {error_db:.0f} dB")
        if not bleed.any() and np.any(mics[mic] != target):
            faults.append(f"mic {mic + 1} has no bleed but differs from its target")
    if name.startswith("solo__"):
        together = share_together(scene)
        if together > 0.35:
            faults.append(f"solo: {together:.0%} of the time more than one sounds")
    return faults


def share_together(scene):
    """Share of the time in which more than one mic's own source sounds, in steps of 50 ms."""
    own = np.array([image[source] for image, source in zip(scene.images, scene.own)])
    step_samples = RATE_HZ // 20
    num_samples = own.shape[1] // step_samples * step_samples
    power = (own[:, :num_samples].reshape(len(own), -1, step_samples) ** 2).mean(2)
    sounds = power > power.max(1, keepdims=True) * 1e-3
    return (sounds.sum(0) > 1).mean()


def choose(set_name, prefix, sounds):
    """Names of the scenes to render; one line on those whose recordings are missing."""
    found, left_out = [], []
    for name, maker in scenes.MAKERS.items():
        if set_name not in maker.sets or not name.startswith(prefix):
            continue
        folder = maker.recordings.get(set_name)
        if folder is None or sounds.has_recordings(folder):
            found.append(name)
        else:
            left_out.append(f"{name} ({folder})")
    if left_out:
        line = f"strata.py: left out, because they need recordings (--data): {', '.join(left_out)}"
        print(line, file=sys.stderr)
    elif not found:
        raise StrataError(f"no scene of {set_name} begins with {prefix}")
    return found


def render(folder, set_name, names, sounds, must_check):
    """Renders scenes with a line for each; returns the number of faults."""
    began_s = time.monotonic()
    num_faults = 0
    print(f"{'scene':42} mics  SDR mean least  RT60 s  took s")
    for name in names:
        start_s = time.monotonic()
        scene = scenes.make_scene(set_name, name, sounds)
        took_s = time.monotonic() - start_s
        known_db = [value for value in write(folder, name, set_name, scene) if value is not None]
        sdr = f"{np.mean(known_db):5.1f} {min(known_db):5.1f}" if known_db else "    -     -"
        num_mics = len(scene.own)
        print(f"{name:42} {num_mics:4}     {sdr}   {scene.rt60_s:5.2f}   {took_s:5.1f}", flush=True)
        for fault in check(folder, name, scene) if must_check else []:
            num_faults += 1
            print(f"    FAULT {fault}", flush=True)
    faults = f", {num_faults} faults" if must_check else ""
    print(f"{len(names)} scenes in {time.monotonic() - began_s:.0f} s{faults}")
    return num_faults


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=pathlib.Path, metavar="OUT", help="output folder")
    parser.add_argument("--set", choices=scenes.SETS, default="dev", help="default: dev")
    parser.add_argument("--only", default="", metavar="PREFIX", help="scenes with this prefix only")
    parser.add_argument("--list", action="store_true", help="only print the names")
    parser.add_argument("--check", action="store_true", help="check the written files")
    parser.add_argument(
        "--soundfont", default=DEFAULT_SOUNDFONT, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--data", metavar="DIR", help="recordings for some scenes of dev")
    options = parser.parse_args()
    if options.out is None and not options.list:
        parser.error("OUT is missing")
    return options


def main():
    options = parse()
    try:
        sounds = Sounds(options.soundfont, options.data)
        names = choose(options.set, options.only, sounds)
        if options.list:
            print("\n".join(names))
            return
        if not names:
            sys.exit(1)
        for program in sorted({p for name in names for p in scenes.MAKERS[name].programs}):
            sounds.require(program)
        if render(options.out, options.set, names, sounds, options.check):
            sys.exit(1)
    except (StrataError, OSError, soundfile.LibsndfileError) as error:
        sys.exit(f"strata.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

"""Golden numbers for BSS Eval: prints what fast_bss_eval and mir_eval give for the signals of
xtask/lab/src/metrics/bss/tests.rs.

    python xtask/lab/reference/metrics.py

Made with Python 3.11, numpy 2.4.6, scipy 1.17.1, fast_bss_eval 0.1.4, mir_eval 0.8.2.
The noise is SplitMix64, the same stream as the lab's `Random` (random.rs): bit for bit.
"""

import warnings

import numpy as np

warnings.filterwarnings("ignore")

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(bits):
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return bits ^ (bits >> 31)


class Random:
    def __init__(self, seed):
        self.counter = mix(seed ^ 0x5EED0F0ADB1EED00)

    def unit(self):
        self.counter = (self.counter + GAMMA) & MASK
        return (mix(self.counter) >> 11) / float(1 << 53)

    def between(self, low, high):
        return low + (high - low) * self.unit()


def noise(seed, length):
    random = Random(seed)
    return np.array([random.between(-0.5, 0.5) for _ in range(length)]).astype(np.float32)


def low(signal, share):
    """One-pole low pass, in double precision, rounded at the end."""
    state, out = 0.0, np.zeros(len(signal))
    for n, x in enumerate(signal.astype(np.float64)):
        state = share * state + (1.0 - share) * x
        out[n] = state
    return out.astype(np.float32)


def delayed(signal, samples):
    return np.concatenate([np.zeros(samples, np.float32), signal[: len(signal) - samples]])


def signals(length=8_000):
    """Three targets of different colour; outputs with bleed, delay, filtering and own noise."""
    targets = [noise(1, length), low(noise(2, length), 0.8), low(noise(3, length), 0.4)]
    targets[1][3_000:5_000] = 0.0
    a, b, c = [t.astype(np.float64) for t in targets]
    extra = noise(4, length).astype(np.float64)
    d = lambda x, samples: delayed(x.astype(np.float32), samples).astype(np.float64)
    outputs = [
        a + 0.3 * b + 0.1 * d(c, 7) + 0.01 * extra,
        0.7 * b + 0.2 * d(b, 3) + 0.05 * d(a, 40) + 0.03 * extra,
        d(c, 600) * 0.1 + c + 0.2 * a - 0.1 * d(b, 511) + 0.02 * extra,
    ]
    return np.array(targets, np.float64), np.array(outputs).astype(np.float32).astype(np.float64)


if __name__ == "__main__":
    import fast_bss_eval
    import mir_eval.separation

    targets, outputs = signals()
    # numpy >= 2: fast_bss_eval must be asked for the permutation (here it is the identity).
    sdr, sir, sar, order = fast_bss_eval.bss_eval_sources(
        targets, outputs, filter_length=512, compute_permutation=True, use_cg_iter=None
    )
    assert list(order) == [0, 1, 2]
    print("fast_bss_eval", *(list(map(float, row)) for row in (sdr, sir, sar)), sep="\n")
    sdr, sir, sar, order = mir_eval.separation.bss_eval_sources(targets, outputs)
    assert list(order) == [0, 1, 2]
    print("mir_eval", *(list(map(float, row)) for row in (sdr, sir, sar)), sep="\n")

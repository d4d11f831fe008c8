//! Amounts and listening: two smoothed gains per mic, which change at exact samples.

use crate::controls::{Controls, Listen, clamped};

/// Gains of the delayed input and of the removed signal, for one mic.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Gains {
    dry: f32,
    removed: f32,
}

impl Gains {
    const SILENT: Self = Self { dry: 0.0, removed: 0.0 };

    fn of(controls: &Controls, mic: usize) -> Self {
        let mic = &controls.mics[mic];
        let amount = clamped(controls.global_amount) * clamped(mic.amount);
        match mic.listen {
            Listen::Clean => Self { dry: 1.0, removed: -amount },
            Listen::Removed => Self { dry: 0.0, removed: amount },
            Listen::Dry => Self { dry: 1.0, removed: 0.0 },
            Listen::Mute => Self::SILENT,
        }
    }
}

/// Returns zero of the same sign for a subnormal sample, and every other sample unchanged.
///
/// Subnormal numbers can make the arithmetic of later processors a hundred times slower. The
/// function has no branch, so loops of it are vectorised.
fn audible(sample: f32) -> f32 {
    if sample.abs() < f32::MIN_POSITIVE { 0.0_f32.copysign(sample) } else { sample }
}

/// Mixes the dry and removed signals of every mic, with control changes scheduled ahead.
#[derive(Debug)]
pub(super) struct Mixer {
    num_mics: usize,
    ramp_samples: usize,
    /// Gains at the start of the ramp in progress, `[mic]`.
    from: Vec<Gains>,
    target: Vec<Gains>,
    /// Samples of the ramp already mixed; `ramp_samples` if no ramp is in progress.
    ramped: usize,
    /// Input positions at which scheduled changes take effect: a ring, oldest first.
    positions: Vec<i64>,
    /// Gains of the scheduled changes, `[event, mic]`, in the slots of `positions`.
    gains: Vec<Gains>,
    first: usize,
    count: usize,
}

impl Mixer {
    pub(super) fn new(
        num_mics: usize,
        ramp_samples: usize,
        max_events: usize,
        controls: &Controls,
    ) -> Self {
        let mut mixer = Self {
            num_mics,
            ramp_samples,
            from: vec![Gains::SILENT; num_mics],
            target: vec![Gains::SILENT; num_mics],
            ramped: ramp_samples,
            positions: vec![0; max_events],
            gains: vec![Gains::SILENT; max_events * num_mics],
            first: 0,
            count: 0,
        };
        mixer.settle(controls);
        mixer
    }

    /// Discards scheduled changes and jumps to `controls`.
    pub(super) fn settle(&mut self, controls: &Controls) {
        for (mic, target) in self.target.iter_mut().enumerate() {
            *target = Gains::of(controls, mic);
        }
        self.ramped = self.ramp_samples;
        self.count = 0;
    }

    /// Changes to `controls` at the input sample at `position`. Before the first sample nothing
    /// ramps.
    pub(super) fn receive(&mut self, position: usize, controls: &Controls) {
        if position == 0 {
            self.settle(controls);
        } else {
            self.schedule(position, controls);
        }
    }

    /// Schedules `controls` for the input sample at `position`.
    ///
    /// A full schedule merges them with the previous change. Controls without a change need no
    /// place in the schedule, so a host may send its controls with every block.
    pub(super) fn schedule(&mut self, position: usize, controls: &Controls) {
        let newest = match self.count {
            0 => &self.target[..],
            count => &self.gains[self.slot(count - 1) * self.num_mics..][..self.num_mics],
        };
        if newest.iter().enumerate().all(|(mic, &gains)| gains == Gains::of(controls, mic)) {
            return;
        }
        let position = super::to_i64(position);
        let same_sample = self.count > 0 && self.positions[self.slot(self.count - 1)] == position;
        if !same_sample && self.count < self.positions.len() {
            let slot = self.slot(self.count);
            self.positions[slot] = position;
            self.count += 1;
        }
        let slot = self.slot(self.count - 1);
        for mic in 0..self.num_mics {
            self.gains[slot * self.num_mics + mic] = Gains::of(controls, mic);
        }
    }

    /// Returns the samples from `heard` to the next change that is not due yet, or `usize::MAX`.
    pub(super) fn samples_to_event(&self, heard: i64) -> usize {
        (0..self.count)
            .map(|event| self.positions[self.slot(event)])
            .find(|&position| position > heard)
            .and_then(|position| usize::try_from(position - heard).ok())
            .unwrap_or(usize::MAX)
    }

    /// Starts the ramp of every change that is due at `heard`.
    pub(super) fn apply_events(&mut self, heard: i64) {
        while self.count > 0 && self.positions[self.first] <= heard {
            let gains = &self.gains[self.first * self.num_mics..][..self.num_mics];
            if gains != self.target {
                for (mic, &target) in gains.iter().enumerate() {
                    self.from[mic] = self.at(mic, self.ramped);
                    self.target[mic] = target;
                }
                self.ramped = 0;
            }
            self.first = (self.first + 1) % self.positions.len();
            self.count -= 1;
        }
    }

    /// Mixes one mic. [`Mixer::advance`] follows once all mics of a piece are mixed.
    pub(super) fn mix(&self, mic: usize, dry: &[f32], removed: Option<&[f32]>, out: &mut [f32]) {
        let to = self.target[mic];
        let ramping = self.ramped < self.ramp_samples && self.from[mic] != to;
        let gains_at = |n: usize| self.at(mic, self.ramped + n + 1);
        match removed {
            Some(removed) if ramping => {
                for (n, ((out, dry), removed)) in out.iter_mut().zip(dry).zip(removed).enumerate() {
                    let gains = gains_at(n);
                    *out = audible(gains.dry * dry + gains.removed * removed);
                }
            }
            Some(removed) => {
                for ((out, dry), removed) in out.iter_mut().zip(dry).zip(removed) {
                    *out = audible(to.dry * dry + to.removed * removed);
                }
            }
            None if ramping => {
                for (n, (out, dry)) in out.iter_mut().zip(dry).enumerate() {
                    *out = audible(gains_at(n).dry * dry);
                }
            }
            None => {
                for (out, dry) in out.iter_mut().zip(dry) {
                    *out = audible(to.dry * dry);
                }
            }
        }
    }

    /// Advances the ramp by the samples just mixed.
    pub(super) fn advance(&mut self, length: usize) {
        self.ramped = (self.ramped + length).min(self.ramp_samples);
    }

    /// Returns one mic's gains after `ramped` samples of the ramp. They depend on the position
    /// only, so pieces of any length give the same samples.
    fn at(&self, mic: usize, ramped: usize) -> Gains {
        let (from, to) = (self.from[mic], self.target[mic]);
        if ramped >= self.ramp_samples {
            return to;
        }
        let part = ramped as f32 / self.ramp_samples as f32;
        Gains {
            dry: from.dry + (to.dry - from.dry) * part,
            removed: from.removed + (to.removed - from.removed) * part,
        }
    }

    fn slot(&self, event: usize) -> usize {
        (self.first + event) % self.positions.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Normal and subnormal numbers, and the borders between them.
    const SAMPLES: [f32; 8] =
        [1.0, f32::MIN_POSITIVE, -f32::MIN_POSITIVE, 1e-39, -1e-45, 0.0, -0.0, 3e-38];

    fn controls(amount: f32, listen: Listen) -> Controls {
        let mut controls = Controls { global_amount: amount, ..Controls::default() };
        controls.mics[0].listen = listen;
        controls
    }

    #[test]
    fn no_output_is_subnormal_whatever_is_mixed_and_normal_samples_keep_every_bit() {
        let removed = SAMPLES.map(|sample| sample * 0.75);
        for listen in [Listen::Clean, Listen::Removed, Listen::Dry, Listen::Mute] {
            for (is_ramping, removed) in
                [(false, None), (true, None), (false, Some(removed)), (true, Some(removed))]
            {
                let mut mixer = Mixer::new(1, 16, 4, &controls(1.0, Listen::Dry));
                mixer.schedule(0, &controls(0.3, listen));
                mixer.apply_events(0);
                if !is_ramping {
                    mixer.advance(16);
                }
                let mut out = [f32::NAN; 8];
                mixer.mix(0, &SAMPLES, removed.as_ref().map(|removed| &removed[..]), &mut out);
                let case =
                    format!("{listen:?} {is_ramping} {}: {out:e}", removed.is_some(), out = out[3]);
                assert!(out.iter().all(|sample| !sample.is_subnormal()), "{case}");
                if listen == Listen::Dry {
                    for (out, sample) in out.iter().zip(SAMPLES) {
                        let expected = if sample.is_subnormal() { 0.0 } else { sample };
                        assert_eq!(*out, expected, "{case}");
                        assert_eq!(out.is_sign_negative(), sample.is_sign_negative(), "{case}");
                    }
                }
            }
        }
    }
}

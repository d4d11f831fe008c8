//! Learned estimates for a session that has the same mics at other places.

use half::bf16;

use super::{Learned, LearnedMic, LearnedSlot, Setup};
use crate::controls::Controls;
use crate::debleed::is_bleed;
use crate::units::SampleRate;

impl Learned {
    /// Returns the number of mics.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.setup.num_mics
    }

    /// Returns true if mic `mic` had sound in the passage; false if there is no such mic.
    #[must_use]
    pub fn was_heard(&self, mic: usize) -> bool {
        self.mics.get(mic).is_some_and(|mic| mic.heard_hops > 0)
    }

    /// Returns the time in seconds in which mic `mic` had sound in the passage, its own or that of
    /// other sources; 0 if there is no such mic.
    #[must_use]
    pub fn heard_s(&self, mic: usize) -> f32 {
        let Setup { rate_hz, mode, .. } = self.setup;
        let hops = self.mics.get(mic).map_or(0, |mic| mic.heard_hops);
        let hop_s = |rate| mode.geometry(rate).hop_samples() as f32 / rate_hz;
        SampleRate::new(rate_hz).map_or(0.0, |rate| hops as f32 * hop_s(rate))
    }

    /// Returns the estimates for a session of `sources.len()` mics with these roles and groups
    /// (`controls`). Its mic `n` is mic `sources[n]` of this value, or a mic that was not there
    /// (`None`). Nothing is known of the latter: they count as silent in the passage.
    ///
    /// Roles and groups of mics that were there must still fit ([`Learned::fits`]).
    ///
    /// # Real-time
    ///
    /// Worker and main threads only: allocates up to a megabyte.
    #[must_use]
    pub fn arranged(&self, sources: &[Option<usize>], controls: &Controls) -> Self {
        let Setup { rate_hz, mode, num_mics: num_before, .. } = self.setup;
        let sources: Vec<_> =
            sources.iter().map(|source| source.filter(|&mic| mic < num_before)).collect();
        let num_mics = sources.len();
        let num_bands = self.layout.num_bands;
        let pairs = || (0..num_mics).flat_map(|target| (0..num_mics).map(move |of| (target, of)));
        let before = |(target, of): (usize, usize)| Some((sources[target]?, sources[of]?));
        let routing = |(target, of)| {
            before((target, of)).map_or_else(
                || is_bleed(controls, target, of),
                |(target, of)| self.setup.routing[target * num_before + of],
            )
        };
        let bands = |values: &[bf16]| -> Vec<bf16> {
            let none = vec![bf16::ZERO; num_bands];
            let of = |pair| match before(pair) {
                Some((target, of)) => {
                    &values[(target * num_before + of) * num_bands..][..num_bands]
                }
                None => &none,
            };
            pairs().flat_map(|pair| of(pair).iter().copied()).collect()
        };
        let interference =
            if self.interference.is_empty() { Vec::new() } else { bands(&self.interference) };
        Self {
            setup: Setup { rate_hz, mode, num_mics, routing: pairs().map(routing).collect() },
            layout: self.layout.clone(),
            mics: sources.iter().map(|&source| self.moved_mic(source, &sources)).collect(),
            crosstalk: bands(&self.crosstalk),
            leftover: bands(&self.leftover),
            interference,
        }
    }

    /// Returns the estimates of the mic `source`, with its bleeders at their new places. Filters
    /// against mics that are no longer there are left out.
    fn moved_mic(&self, source: Option<usize>, sources: &[Option<usize>]) -> LearnedMic {
        let Some(mic) = source.map(|source| &self.mics[source]) else {
            let means = vec![0.0; self.layout.num_bands];
            return LearnedMic { heard_hops: 0, means, slots: Vec::new(), stage: Vec::new() };
        };
        let moved = |slots: &[LearnedSlot]| {
            let of = |slot: &LearnedSlot| {
                let before = Some(usize::from(slot.bleeder));
                let now = sources.iter().position(|&source| source == before)?;
                Some(LearnedSlot { bleeder: u8::try_from(now).ok()?, ..slot.clone() })
            };
            slots.iter().filter_map(of).collect()
        };
        LearnedMic {
            heard_hops: mic.heard_hops,
            means: mic.means.clone(),
            slots: moved(&mic.slots),
            stage: moved(&mic.stage),
        }
    }
}

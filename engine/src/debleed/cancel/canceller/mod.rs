//! The canceller behind both methods: its state, construction and reset.

mod apply;
mod clean;
mod export;
mod learn;

use super::bands::{Bands, band_edges_hz};
use super::filters::{Filters, Front, MAX_SLOTS, MAX_TAPS, Pending, Planes, Slots, Stage};
use super::guide::{Guide, Guided};
use super::lanes::{Complex, LANES, num_blocks};
use super::statistics::{Crosstalk, Interference, Order, Proof};
use crate::controls::Controls;
use crate::debleed::GuideTrouble;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Frequencies from which filters have fewer taps, with the number of taps. Air and walls damp high
/// frequencies, so rooms ring shorter there.
#[derive(Clone, Copy, Debug)]
struct Taps([(f32, usize); 4]);

/// Extent of learning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    taps: Taps,
    /// Number of sampled hops, spread over all learned hops, for the estimate of interference.
    samples: usize,
    /// True if a second stage is learned after everything else.
    has_stage: bool,
}

impl Extent {
    /// For estimates that adapt to the music.
    pub(super) const PLAYING: Self = Self { taps: Taps::FEW, samples: 512, has_stage: false };
    /// For estimates that are learned from a whole session first.
    pub(super) const SESSION: Self = Self { taps: Taps::MANY, samples: 2048, has_stage: true };
}

impl Taps {
    /// For filters that adapt to the music: more taps would converge later.
    const FEW: Self = Self([(0.0, 4), (4_000.0, 3), (8_000.0, 2), (14_000.0, 1)]);
    /// For filters that are learned from a whole session first.
    const MANY: Self = Self([(0.0, MAX_TAPS), (4_000.0, 6), (8_000.0, 3), (14_000.0, 1)]);

    fn at(self, hz: f32) -> usize {
        self.0.iter().rev().find(|(from_hz, _)| hz >= *from_hz).map_or(1, |&(_, taps)| taps)
    }
}

/// Subject of a learning pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learning {
    /// The leakage between all pairs of mics.
    Crosstalk,
    /// The cancellation filters, from guides by the canceller's own rules.
    Filters,
    /// The cancellation filters, from the guide's masks.
    GuidedFilters,
    /// The leakage after cancellation.
    Leftover,
    /// The filters of the second stage, from the outputs of everything before it.
    Stage,
}

impl Learning {
    /// Passes over a whole session without a guide.
    const PASSES: [Self; 5] =
        [Self::Crosstalk, Self::Filters, Self::Filters, Self::Filters, Self::Leftover];
    /// Passes over a whole session with a guide.
    ///
    /// Better filters give better masks and better masks give better filters, so both
    /// alternate twice.
    const GUIDED_PASSES: [Self; 8] = [
        Self::Crosstalk,
        Self::Filters,
        Self::Leftover,
        Self::GuidedFilters,
        Self::Leftover,
        Self::GuidedFilters,
        Self::Leftover,
        Self::Stage,
    ];
}

/// State of cancellation for all mics.
#[derive(Debug)]
pub(super) struct Canceller {
    num_mics: usize,
    order: Order,
    bands: Bands,
    /// Number of taps of each block of bins.
    taps: Vec<usize>,
    crosstalk: Crosstalk,
    leftover: Crosstalk,
    interference: Interference,
    /// Bleeders of each mic and the filters against them.
    parts: Vec<(Slots, Filters)>,
    /// Hops that the filters have not learned from yet.
    pending: Pending,
    /// The part of the crosstalk that the filters prove.
    proof: Proof,
    /// Decaying sums of each mic's power and of the hops in it, `[mic, bin]` and `[mic]`.
    power: Vec<f32>,
    power_hops: Vec<f32>,
    /// Front of the newest hop and, with lookahead, another of the hop to clean.
    ahead: Front,
    behind: Option<Front>,
    /// Guides for the two fronts; `None` for the canceller's own rules.
    guide_ahead: Option<Guided>,
    guide_behind: Option<Guided>,
    /// The newest hop after cancellation, and the hop to clean after cancellation.
    cancelled: Spectrum,
    cleaned: Spectrum,
    /// Second stage, in use once a whole session or passage is learned.
    stage: Option<Stage>,
    /// Outputs of the first stage.
    outputs: Spectrum,
    /// True if the stage has begun to learn.
    learns_stage: bool,
    /// Mean power of each mic's own source in the hops cleaned with masks, `[mic, band]`, and the
    /// number of those hops, `[mic]`.
    own_means: Vec<f32>,
    own_hops: Vec<u32>,
    /// True for mics that ever had sound, `[mic]`.
    heard: Vec<bool>,
    /// True for mics without estimates in the restored estimates, `[mic]`: they are not cleaned.
    unknown: Vec<bool>,
    controls_seen: Option<Box<Controls>>,
    /// True if the estimates adapt to the music, from the hops so far.
    adapts: bool,
    hop: usize,
    scratch: Scratch,
}

/// Buffers without meaning between calls.
#[derive(Debug)]
struct Scratch {
    solve: Vec<Complex>,
    band_power: Vec<f32>,
    band_bleed: Vec<f32>,
    hidden: Vec<f32>,
    trusted: Vec<f32>,
    bleed: Vec<f32>,
    own: Vec<f32>,
    power: Vec<f32>,
    bleeding: Planes,
}

impl Canceller {
    /// Creates a canceller that can learn.
    pub(super) fn new(
        geometry: Geometry,
        rate: SampleRate,
        size: (usize, Extent),
        looks_ahead: bool,
        guide: Option<&dyn Fn() -> Box<dyn Guide>>,
    ) -> Self {
        let mut canceller = Self::without_equations(geometry, rate, size, looks_ahead, guide);
        canceller.reset();
        canceller
    }

    /// Creates a canceller that can restore estimates. [`Canceller::reset`] must precede the first
    /// hop that is learned: it allocates the filters' equations, most of a canceller's memory.
    pub(super) fn without_equations(
        geometry: Geometry,
        rate: SampleRate,
        (num_mics, extent): (usize, Extent),
        looks_ahead: bool,
        guide: Option<&dyn Fn() -> Box<dyn Guide>>,
    ) -> Self {
        let num_bins = geometry.num_bins();
        let blocks = num_blocks(num_bins);
        let bin_hz = rate.hz() / geometry.window_samples() as f32;
        let taps: Vec<_> =
            (0..blocks).map(|block| extent.taps.at((block * LANES) as f32 * bin_hz)).collect();
        let most_taps = taps.iter().copied().max().unwrap_or(1);
        let bands = if guide.is_some() {
            Bands::between(geometry, rate, &band_edges_hz())
        } else {
            Bands::new(geometry, rate)
        };
        let num_bands = bands.num_bands();
        let slots = MAX_SLOTS.min(num_mics.saturating_sub(1));
        let front = || Front::new(num_mics, most_taps, num_bins);
        let spectrum = || Spectrum::new(num_mics, num_bins);
        let guided = |make: &dyn Fn() -> Box<dyn Guide>| {
            Guided::new(make(), geometry, rate, &bands, num_mics)
        };
        let parts: Vec<_> = (0..num_mics)
            .map(|_| (Slots(Vec::with_capacity(slots)), Filters::new(&taps, slots)))
            .collect();
        let scratch = Scratch {
            solve: parts.first().map(|(_, filters)| filters.make_scratch()).unwrap_or_default(),
            band_power: vec![0.0; num_mics * num_bands],
            band_bleed: vec![0.0; num_bands],
            hidden: vec![0.0; num_bands],
            trusted: vec![0.0; num_bands],
            bleed: vec![0.0; num_bins],
            own: vec![0.0; num_mics * num_bins],
            power: vec![0.0; num_mics * num_bins],
            bleeding: Planes::new(num_mics, blocks),
        };
        let guide_ahead = guide.map(guided);
        let explains = guide_ahead.as_ref().is_some_and(Guided::sees_explained);
        Self {
            num_mics,
            order: Order::new(num_mics),
            crosstalk: Crosstalk::new(num_mics, num_bands),
            leftover: Crosstalk::new(num_mics, num_bands),
            interference: Interference::new(num_mics, if explains { extent.samples } else { 0 }),
            parts,
            pending: Pending::new(num_mics, blocks),
            proof: Proof::new(num_mics, num_bands),
            power: vec![0.0; num_mics * blocks * LANES],
            power_hops: vec![0.0; num_mics],
            ahead: front(),
            behind: looks_ahead.then(front),
            guide_ahead,
            guide_behind: guide.filter(|_| looks_ahead).map(guided),
            cancelled: spectrum(),
            cleaned: spectrum(),
            outputs: spectrum(),
            learns_stage: false,
            stage: (extent.has_stage && guide.is_some())
                .then(|| Stage::new(num_mics, &taps, slots, num_bins)),
            own_means: vec![0.0; num_mics * num_bands],
            own_hops: vec![0; num_mics],
            heard: vec![false; num_mics],
            unknown: vec![false; num_mics],
            controls_seen: None,
            adapts: false,
            hop: 0,
            scratch,
            bands,
            taps,
        }
    }

    /// Returns the passes over a whole session or passage.
    pub(super) fn passes(&self) -> &'static [Learning] {
        if self.guide_ahead.is_none() {
            &Learning::PASSES
        } else if self.stage.is_none() {
            &Learning::GUIDED_PASSES[..Learning::GUIDED_PASSES.len() - 1]
        } else {
            &Learning::GUIDED_PASSES
        }
    }

    /// Returns a spectrum with the canceller's numbers of mics and bins.
    pub(super) fn make_spectrum(&self) -> Spectrum {
        Spectrum::new(self.num_mics, self.cleaned.num_bins())
    }

    /// Forms the guides of a hop by the canceller's own rules.
    fn look(&mut self, spectrum: &Spectrum) {
        self.ahead.look(
            (spectrum, &self.order),
            &self.bands,
            &self.crosstalk,
            &self.parts,
            &self.taps,
        );
    }

    /// Prepares the guides for the first hop.
    pub(super) fn warm_up(&mut self) {
        for guided in [&mut self.guide_ahead, &mut self.guide_behind].into_iter().flatten() {
            guided.warm_up();
        }
    }

    /// Clears everything.
    ///
    /// # Real-time
    ///
    /// Allocates the first time.
    pub(super) fn reset(&mut self) {
        let mut part = 0;
        while self.reset_in_parts(part) {
            part += 1;
        }
    }

    /// Does one part of [`Canceller::reset`]; returns false after the last one. Parts are numbered
    /// from 0, and each costs less than a hop.
    pub(super) fn reset_in_parts(&mut self, part: usize) -> bool {
        if let Some((slots, filters)) = self.parts.get_mut(part) {
            slots.0.clear();
            filters.reset();
            if let Some(stage) = &mut self.stage {
                stage.reset_mic(part);
            }
            return true;
        }
        self.forget_audio();
        self.crosstalk.reset();
        self.leftover.reset();
        self.interference.forget();
        if let Some(stage) = &mut self.stage {
            stage.disable();
        }
        self.learns_stage = false;
        self.proof.reset();
        self.power.fill(0.0);
        self.power_hops.fill(0.0);
        self.own_means.fill(0.0);
        self.own_hops.fill(0);
        self.heard.fill(false);
        self.unknown.fill(false);
        self.controls_seen = None;
        self.adapts = false;
        self.hop = 0;
        false
    }

    /// Clears audio but keeps everything learned from it.
    pub(super) fn forget_audio(&mut self) {
        self.pending.clear();
        self.order.forget();
        self.ahead.reset();
        if let Some(stage) = &mut self.stage {
            stage.forget_audio();
        }
        if let Some(behind) = &mut self.behind {
            behind.reset();
        }
        for guided in [&mut self.guide_ahead, &mut self.guide_behind].into_iter().flatten() {
            guided.reset();
        }
    }

    /// Returns the share of a bleeder's power that leaks into a target; `None` before the bleeder
    /// has had sound.
    ///
    /// Bands are weighted by the power of the bleeder's own source once masks have separated it. A
    /// quiet source's mic may pick up mostly its neighbours, which are louder in the target.
    pub(super) fn crosstalk(&self, target: usize, bleeder: usize) -> Option<f32> {
        let num_bands = self.bands.num_bands();
        let own = &self.own_means[bleeder * num_bands..][..num_bands];
        let is_known = own.iter().any(|&power| power > 0.0);
        let power = if is_known { own } else { self.crosstalk.means(bleeder) };
        let all: f32 = power.iter().sum();
        (all > 0.0).then(|| self.crosstalk.leaked_of(target, bleeder, power) / all)
    }

    /// Copies the power of the own sources from a canceller that has cleaned the same mics, for
    /// mics that this one has not cleaned yet.
    ///
    /// Learning passes clean nothing, so [`Canceller::crosstalk`] would otherwise weight the bands
    /// by all power that the mics pick up.
    pub(super) fn take_own_means(&mut self, other: &Self) {
        let num_bands = self.bands.num_bands();
        for mic in 0..self.num_mics {
            if self.own_hops[mic] > 0 {
                continue;
            }
            let range = mic * num_bands..(mic + 1) * num_bands;
            self.own_means[range.clone()].copy_from_slice(&other.own_means[range]);
            self.own_hops[mic] = other.own_hops[mic];
        }
    }

    /// Returns the reason why a guide is not used, if that is the case.
    pub(super) fn guide_trouble(&self) -> Option<GuideTrouble> {
        let guided = self.guide_behind.as_ref().or(self.guide_ahead.as_ref());
        guided.and_then(Guided::trouble)
    }
}

fn band_powers(bands: &Bands, spectrum: &Spectrum, power: &mut [f32]) {
    for (mic, power) in power.chunks_exact_mut(bands.num_bands()).enumerate() {
        if spectrum.is_active(mic) {
            bands.power_into(spectrum.mic(mic), power);
        } else {
            power.fill(0.0);
        }
    }
}

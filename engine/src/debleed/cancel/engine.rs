//! The engine of both cancelling methods: learns, forms guides, cleans.

mod snapshot;

use realfft::num_complex::Complex32;

use super::bands::Bands;
use super::crosstalk::Crosstalk;
use super::features::{Seen, band_edges_hz};
use super::filters::{Filters, num_blocks};
use super::front::{Front, Planes, Slots, bounded, powers_into, predict};
use super::guide::{Cleaned, Guide, GuideTrouble, Guided};
use super::guides::{guide_gain, hidden_into, mask_gain};
use super::interference::Interference;
use super::lanes::{Complex, LANES, Real};
use super::order::Order;
use super::pending::{Lesson, MAX_WAITING, Pending};
use super::proof::Proof;
use super::stage::Stage;
use super::{MAX_SLOTS, MAX_TAPS, MAX_UNKNOWNS};
use crate::MAX_MICS;
use crate::controls::Controls;
use crate::debleed::{Hop, is_bleed};
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Weight of one hop relative to the next in the filters' equations: half is forgotten in 1400 hops
/// (15 s at 48 kHz).
const FORGET: f32 = 0.9995;
/// Hops in which every block of bins is solved once, in turns.
const SOLVE_EVERY_HOPS: usize = MAX_WAITING;
/// Hops between two choices of the strongest bleeders, if there are more bleeders than slots.
const CHOOSE_EVERY_HOPS: usize = 128;
/// Factor by which a bleeder must leak more than another to replace it in a slot.
const TAKE_OVER: f32 = 2.0;
/// Power that counts as zero.
const NOTHING: f32 = 1e-30;
/// Smallest rate at which the mean of own power follows.
const SLOWEST_OWN_MEAN: f32 = 1e-3;

/// Frequencies from which filters have fewer taps, with the number of taps. Air and walls damp high
/// frequencies, so rooms ring shorter there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps([(f32, usize); 4]);

/// Extent of learning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) taps: Taps,
    /// Number of sampled hops, spread over all learned hops, for the estimate of interference.
    pub(super) samples: usize,
    /// True if a second stage is learned after everything else.
    pub(super) has_stage: bool,
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

/// Blocks of bins that are solved in one part of the end of a pass.
const BLOCKS_OF_PART: usize = 4;
/// Updates of the interference: per band after learning passes, and per band's turn while a passage
/// is learned.
const UPDATES: usize = 30;
const UPDATES_OF_TURN: usize = 4;

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
pub(super) struct Engine {
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
    /// True for mics without estimates in a restored snapshot, `[mic]`: they are not cleaned.
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

impl Engine {
    /// Creates an engine that can learn.
    pub(super) fn new(
        geometry: Geometry,
        rate: SampleRate,
        size: (usize, Extent),
        looks_ahead: bool,
        guide: Option<&dyn Fn() -> Box<dyn Guide>>,
    ) -> Self {
        let mut engine = Self::without_equations(geometry, rate, size, looks_ahead, guide);
        engine.reset();
        engine
    }

    /// Creates an engine that can restore estimates. [`Engine::reset`] must precede the first hop
    /// that is learned: it allocates the filters' equations, most of an engine's memory.
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

    /// Returns a spectrum with the engine's numbers of mics and bins.
    pub(super) fn make_spectrum(&self) -> Spectrum {
        Spectrum::new(self.num_mics, self.cleaned.num_bins())
    }

    /// Adapts all estimates to the newest hop.
    pub(super) fn adapt(&mut self, newest: &Spectrum, controls: &Controls) {
        self.adapts = true;
        self.follow_routing(newest, controls);
        self.learn_crosstalk(newest, controls, true);
        if self.hop.is_multiple_of(CHOOSE_EVERY_HOPS) {
            self.choose_bleeders(controls);
        }
        self.look(newest);
        let turn = Some(self.hop % SOLVE_EVERY_HOPS);
        if self.guide_ahead.is_some() {
            cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
            self.learn_leftover(controls, true);
            self.look_guided(newest, controls);
            self.learn_filters(FORGET, turn);
        } else {
            self.learn_filters(FORGET, turn);
            cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
            self.learn_leftover(controls, true);
        }
        self.hop += 1;
    }

    /// Runs the guide on the hop that the canceller's own rules have just cancelled.
    fn look_guided(&mut self, newest: &Spectrum, controls: &Controls) {
        let Some(guided) = &mut self.guide_ahead else { return };
        let seen = Seen {
            num_mics: self.num_mics,
            order: self.order.mics(),
            controls,
            mics: newest,
            cancelled: &self.cancelled,
            crosstalk: &self.crosstalk,
            leftover: &self.leftover,
            interference: &self.interference,
            proof: &self.proof,
            adapts: self.adapts,
        };
        guided.look(&mut self.ahead, &self.bands, &seen);
    }

    /// Forms the guides of a hop without learning, by the guide if there is one.
    pub(super) fn look_frozen(&mut self, newest: &Spectrum, controls: &Controls) {
        self.order.follow(newest);
        self.look(newest);
        if self.guide_ahead.is_some() {
            cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
            self.look_guided(newest, controls);
        }
    }

    /// Processes one hop of a learning pass.
    pub(super) fn learn(&mut self, learning: Learning, spectrum: &Spectrum, controls: &Controls) {
        self.order.follow(spectrum);
        match learning {
            Learning::Crosstalk => {
                self.follow_routing(spectrum, controls);
                self.learn_crosstalk(spectrum, controls, false);
                self.follow_power(spectrum);
            }
            Learning::Filters => {
                self.look(spectrum);
                self.learn_filters(1.0, None);
            }
            Learning::GuidedFilters => {
                self.look_frozen(spectrum, controls);
                let said = self.guide_ahead.as_ref().and_then(Guided::said);
                let keep = said.map(|(keep, _)| keep);
                self.interference.hear_masks(keep, spectrum.activity());
                self.learn_filters(1.0, None);
            }
            Learning::Stage => {
                self.look_frozen(spectrum, controls);
                self.feed_stage(spectrum);
                if let Some(stage) = &mut self.stage {
                    if !self.learns_stage {
                        stage.follow_slots(&self.parts);
                        self.learns_stage = true;
                    }
                    stage.learn(&mut self.power, &self.power_hops);
                }
            }
            Learning::Leftover => {
                self.look(spectrum);
                cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
                self.learn_leftover(controls, false);
                let power = &self.scratch.band_power;
                self.interference.hear_power(power, self.cancelled.activity());
            }
        }
    }

    /// Ends a learning pass; `later` holds the passes after it.
    pub(super) fn end_pass(&mut self, learning: Learning, later: &[Learning]) {
        let mut part = 0;
        while self.end_pass_in_parts(learning, later, part) {
            part += 1;
        }
    }

    /// Does one part of [`Engine::end_pass`]; returns false after the last one. Parts are numbered
    /// from 0, and each costs less than a hop.
    pub(super) fn end_pass_in_parts(
        &mut self,
        learning: Learning,
        later: &[Learning],
        part: usize,
    ) -> bool {
        let blocks = part * BLOCKS_OF_PART..self.taps.len().min((part + 1) * BLOCKS_OF_PART);
        let has_more_blocks = blocks.end < self.taps.len();
        let has_more = match learning {
            Learning::Crosstalk => {
                if let Some(controls) = self.controls_seen.clone() {
                    self.choose_bleeders(&controls);
                }
                false
            }
            Learning::Filters | Learning::GuidedFilters => {
                for block in blocks {
                    self.learn_block(block, 1.0, false);
                    self.solve_block(block);
                }
                if !has_more_blocks {
                    self.follow_paths();
                    if later.iter().any(|&pass| pass != Learning::Leftover) {
                        for (_, filters) in &mut self.parts {
                            filters.clear_equations();
                        }
                    }
                }
                has_more_blocks
            }
            Learning::Stage => {
                if let Some(stage) = &mut self.stage {
                    let (bands, crosstalk) = (&self.bands, &self.crosstalk);
                    for block in blocks {
                        stage.conclude(block, &mut self.power, &mut self.scratch.solve, |pair| {
                            bound_of(bands, crosstalk, pair, block)
                        });
                    }
                    if !has_more_blocks {
                        stage.enable();
                    }
                }
                has_more_blocks
            }
            Learning::Leftover if later.contains(&Learning::Leftover) => {
                self.leftover.reset();
                self.interference.forget();
                false
            }
            Learning::Leftover => self.explain(part),
        };
        if !has_more {
            self.forget_audio();
        }
        has_more
    }

    /// Passes the outputs of the first stage, masks included, to the second stage.
    fn feed_stage(&mut self, mics: &Spectrum) {
        let Some(stage) = &mut self.stage else { return };
        cancel(&self.ahead, &self.parts, &self.taps, &mut self.cleaned, None);
        let num_bands = self.bands.num_bands();
        let keep = self.guide_ahead.as_ref().and_then(Guided::said).map(|(keep, _)| keep);
        for mic in 0..self.num_mics {
            if !mics.is_active(mic) {
                self.outputs.silence(mic);
                continue;
            }
            let keep = keep.map(|keep| &keep[mic * num_bands..][..num_bands]);
            let bins = self.cleaned.mic(mic).iter().zip(self.bands.of_bin());
            for (out, (bin, &band)) in self.outputs.mic_mut(mic).iter_mut().zip(bins) {
                *out = bin * keep.map_or(1.0, |keep| keep[band]);
            }
        }
        stage.take(mics, &self.outputs);
    }

    /// Estimates the interference from the hops of the last passes, one band per part; returns
    /// false after the last part.
    fn explain(&mut self, part: usize) -> bool {
        let Some(controls) = self.controls_seen.as_deref() else { return false };
        let pairs = |target, bleeder| is_bleed(controls, target, bleeder);
        self.interference.update(UPDATES, self.order.mics(), pairs);
        let has_more = part + 1 < self.bands.num_bands();
        if !has_more {
            self.interference.conclude();
        }
        has_more
    }

    /// Adds the newest hop to the interference and updates one band of it, for
    /// [`Engine::snapshot`]. The result is not used while adapting.
    pub(super) fn follow_interference(&mut self, spectrum: &Spectrum, controls: &Controls) {
        let said = self.guide_ahead.as_ref().and_then(Guided::said);
        let Some((keep, power)) = said else { return };
        self.interference.hear_masks(Some(keep), spectrum.activity());
        self.interference.hear_power(power, spectrum.activity());
        let pairs = |target, bleeder| is_bleed(controls, target, bleeder);
        self.interference.update(UPDATES_OF_TURN, self.order.mics(), pairs);
    }

    /// Forms the guides of a hop by the canceller's own rules.
    pub(super) fn look(&mut self, spectrum: &Spectrum) {
        self.ahead.look(
            (spectrum, &self.order),
            &self.bands,
            &self.crosstalk,
            &self.parts,
            &self.taps,
        );
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

    /// Does one part of [`Engine::reset`]; returns false after the last one. Parts are numbered
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

    /// Opens slots for mics that have sound for the first time; starts over when roles or
    /// groups change.
    fn follow_routing(&mut self, spectrum: &Spectrum, controls: &Controls) {
        let routing =
            |controls: &Controls, mic: usize| (controls.mics[mic].role, controls.mics[mic].group);
        let moved = self.controls_seen.as_ref().is_some_and(|seen| {
            (0..self.num_mics).any(|mic| routing(seen, mic) != routing(controls, mic))
        });
        if moved {
            self.reset();
        }
        match &mut self.controls_seen {
            Some(seen) => seen.as_mut().clone_from(controls),
            none => *none = Some(Box::new(controls.clone())),
        }
        self.order.follow(spectrum);
        for &mic in self.order.mics() {
            if self.heard[mic] || !spectrum.is_active(mic) {
                continue;
            }
            self.heard[mic] = true;
            for target in 0..self.num_mics {
                if is_bleed(controls, target, mic) {
                    let (slots, _) = &mut self.parts[target];
                    if slots.0.len() < MAX_SLOTS {
                        slots.0.push(mic);
                    }
                }
            }
        }
    }

    fn learn_crosstalk(&mut self, spectrum: &Spectrum, controls: &Controls, forget: bool) {
        band_powers(&self.bands, spectrum, &mut self.scratch.band_power);
        let pairs = |target, bleeder| is_bleed(controls, target, bleeder);
        self.crosstalk.update(&self.scratch.band_power, spectrum.activity(), pairs, forget);
    }

    fn learn_leftover(&mut self, controls: &Controls, forget: bool) {
        band_powers(&self.bands, &self.cancelled, &mut self.scratch.band_power);
        let pairs = |target, bleeder| is_bleed(controls, target, bleeder);
        self.leftover.update(&self.scratch.band_power, self.cancelled.activity(), pairs, forget);
    }

    /// Gives each mic's slots to the bleeders that leak most, if there are more bleeders
    /// than slots.
    fn choose_bleeders(&mut self, controls: &Controls) {
        for target in 0..self.num_mics {
            let score = |bleeder: usize| self.crosstalk.leaked(target, bleeder);
            let (slots, filters) = &mut self.parts[target];
            if slots.0.len() < MAX_SLOTS {
                continue;
            }
            for &candidate in self.order.mics() {
                if !self.heard[candidate]
                    || slots.0.contains(&candidate)
                    || !is_bleed(controls, target, candidate)
                {
                    continue;
                }
                let weakest = (0..slots.0.len())
                    .min_by(|&a, &b| score(slots.0[a]).total_cmp(&score(slots.0[b])));
                if let Some(slot) = weakest
                    && score(candidate) > TAKE_OVER * score(slots.0[slot])
                {
                    slots.0[slot] = candidate;
                    filters.clear_slot(slot);
                }
            }
        }
    }

    /// Adds a hop to each mic's power per bin without forgetting, for learning passes.
    fn follow_power(&mut self, spectrum: &Spectrum) {
        let stride = self.taps.len() * LANES;
        for mic in (0..self.num_mics).filter(|&mic| spectrum.is_active(mic)) {
            self.power_hops[mic] += 1.0;
            for (power, bin) in self.power[mic * stride..].iter_mut().zip(spectrum.mic(mic)) {
                *power += bin.norm_sqr();
            }
        }
    }

    /// Queues the newest hop for the filters; learns and solves the blocks whose turn it is.
    fn learn_filters(&mut self, forget: f32, turn: Option<usize>) {
        if turn.is_some() {
            for mic in (0..self.num_mics).filter(|&mic| self.ahead.is_active(mic)) {
                self.power_hops[mic] = self.power_hops[mic] * forget + 1.0;
            }
        }
        self.pending.push(&self.ahead, &self.power_hops);
        for block in self.pending.blocks_of_turn() {
            self.learn_block(block, forget, turn.is_some());
        }
        if let Some(turn) = turn {
            for block in (turn..self.taps.len()).step_by(SOLVE_EVERY_HOPS) {
                self.learn_block(block, forget, true);
                self.solve_block(block);
            }
            if turn == 0 {
                self.follow_paths();
            }
        }
    }

    /// Adds a block's queued hops to the equations.
    fn learn_block(&mut self, block: usize, forget: f32, follows_power: bool) {
        if !self.pending.is_waiting(block) {
            return;
        }
        let mut crosstalk = [Real::ZERO; MAX_SLOTS];
        let stride = self.taps.len() * LANES;
        for (mic, (slots, filters)) in self.parts.iter_mut().enumerate() {
            for (crosstalk, &bleeder) in crosstalk.iter_mut().zip(&slots.0) {
                *crosstalk = lanes_of(&self.bands, self.crosstalk.pair(mic, bleeder), block);
            }
            let crosstalk = &crosstalk[..slots.0.len()];
            let crosstalk = Some(crosstalk);
            let lesson = Lesson { block, mic, slots, crosstalk, forget, follows_power };
            let power = &mut self.power[mic * stride + block * LANES..][..LANES];
            self.pending.teach(&lesson, power, filters);
        }
        self.pending.learned(block);
    }

    /// Averages the filters' power over each band and updates the proof.
    fn follow_paths(&mut self) {
        self.proof.clear_paths();
        for (target, (slots, filters)) in self.parts.iter().enumerate() {
            for (slot, &bleeder) in slots.0.iter().enumerate() {
                let paths = self.proof.path_mut(target, bleeder);
                for (block, &taps) in self.taps.iter().enumerate() {
                    let weights = &filters.block(block)[slot * taps..(slot + 1) * taps];
                    let power = weights.iter().fold(Real::ZERO, |sum, w| sum + w.norm_sqr());
                    let bands = self.bands.of_bin()[block * LANES..].iter();
                    for (&band, power) in bands.zip(power.0) {
                        paths[band] += power;
                    }
                }
                self.bands.average(paths);
            }
        }
        let parts = &self.parts;
        let has_filters = |target: usize, bleeder: usize| parts[target].0.0.contains(&bleeder);
        self.proof.follow(&self.crosstalk, has_filters, !self.adapts);
    }

    fn solve_block(&mut self, block: usize) {
        let mut bound = [Real::ZERO; MAX_SLOTS];
        for (mic, (slots, filters)) in self.parts.iter_mut().enumerate() {
            for (bound, &bleeder) in bound.iter_mut().zip(&slots.0) {
                let pair = (mic, bleeder);
                *bound = bound_of(&self.bands, &self.crosstalk, pair, block);
            }
            filters.solve(block, &bound[..slots.0.len()], &mut self.scratch.solve);
        }
    }

    /// Computes the signal to remove from the current hop.
    pub(super) fn clean(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        let (mics, controls) = (hop.current, hop.current_controls);
        self.order.follow(mics);
        if let Some(behind) = &mut self.behind {
            behind.look((mics, &self.order), &self.bands, &self.crosstalk, &self.parts, &self.taps);
        }
        if let (Some(behind), Some(guided)) = (&mut self.behind, &mut self.guide_behind) {
            cancel(behind, &self.parts, &self.taps, &mut self.cleaned, None);
            let seen = Seen {
                num_mics: self.num_mics,
                order: self.order.mics(),
                controls,
                mics,
                cancelled: &self.cleaned,
                crosstalk: &self.crosstalk,
                leftover: &self.leftover,
                interference: &self.interference,
                proof: &self.proof,
                adapts: self.adapts,
            };
            guided.look(behind, &self.bands, &seen);
        }
        let has_masks = self.guide_ahead.as_ref().is_some_and(Guided::has_masks);
        let is_staged = has_masks && self.stage.as_ref().is_some_and(Stage::is_known);
        if is_staged {
            self.feed_stage(mics);
        }
        let (front, parts) = match &self.stage {
            Some(stage) if is_staged => (&stage.front, &stage.parts),
            _ => (self.behind.as_ref().unwrap_or(&self.ahead), &self.parts),
        };
        let bleeding = (&mut self.scratch.bleeding, controls);
        cancel(front, parts, &self.taps, &mut self.cleaned, Some(bleeding));

        if let Some(guided) = self.guide_behind.as_mut().or(self.guide_ahead.as_mut()) {
            let bands = self.bands.of_bin();
            guided.show(&Cleaned { mics, cleaned: &self.cleaned, band_of_bin: bands });
        }
        let guided = self.guide_behind.as_ref().or(self.guide_ahead.as_ref());
        if guided.is_some_and(Guided::has_masks) {
            self.remove_guided(mics, controls, removed);
            return;
        }
        // Power of each mic's own source in the remaining signal.
        band_powers(&self.bands, &self.cleaned, &mut self.scratch.band_power);
        let num_bins = self.cleaned.num_bins();
        for mic in (0..self.num_mics).filter(|&mic| mics.is_active(mic)) {
            powers_into(self.cleaned.mic(mic), &mut self.scratch.power[mic * num_bins..]);
        }
        for mic in (0..self.num_mics).filter(|&mic| mics.is_active(mic)) {
            self.add_leftover(mic);
            let own = &mut self.scratch.own[mic * num_bins..][..num_bins];
            let power = &self.scratch.power[mic * num_bins..][..num_bins];
            for ((own, &power), &bleed) in own.iter_mut().zip(power).zip(&self.scratch.bleed) {
                *own = power * guide_gain(power, bleed);
            }
        }
        for mic in (0..self.num_mics).filter(|&mic| mics.is_active(mic)) {
            let any = (0..self.num_mics).any(|bleeder| is_bleed(controls, mic, bleeder));
            if any && !self.unknown[mic] {
                self.remove(mic, mics.mic(mic), controls, removed);
            }
        }
    }

    /// Writes the removed signal of every mic: the predicted bleed and the part that the
    /// guide drops.
    fn remove_guided(&mut self, mics: &Spectrum, controls: &Controls, removed: &mut Spectrum) {
        let Some(guided) = self.guide_behind.as_ref().or(self.guide_ahead.as_ref()) else { return };
        for mic in (0..self.num_mics).filter(|&mic| mics.is_active(mic)) {
            let amount_of = |bleeder: usize| {
                let heard = mics.is_active(bleeder) && is_bleed(controls, mic, bleeder);
                heard.then(|| controls.pair_amount[mic][bleeder].clamp(0.0, 1.0))
            };
            let none = (0..self.num_mics).all(|bleeder| amount_of(bleeder).is_none());
            if none || self.unknown[mic] {
                continue;
            }
            let believed = (&self.leftover, self.order.mics());
            let amount_of =
                |bleeder: usize| Some(amount_of(bleeder)? * self.proof.masked(mic, bleeder));
            guided.keep_into(mic, believed, amount_of, &mut self.scratch.trusted);
            let own_power = &mut self.scratch.band_bleed;
            own_power.fill(0.0);
            let out = removed.mic_mut(mic).iter_mut().zip(mics.mic(mic));
            for (bin, (out, input)) in out.enumerate() {
                let (block, lane) = (bin / LANES, bin % LANES);
                let bleed = self.scratch.bleeding.get(mic, block);
                let bleed = Complex32::new(bleed.re.0[lane], bleed.im.0[lane]);
                let band = self.bands.of_bin()[bin];
                let own = (input - bleed) * self.scratch.trusted[band];
                own_power[band] += own.norm_sqr();
                *out = input - own;
            }
            self.own_hops[mic] = self.own_hops[mic].saturating_add(1);
            let rate = (1.0 / self.own_hops[mic] as f32).max(SLOWEST_OWN_MEAN);
            let means = &mut self.own_means[mic * self.bands.num_bands()..];
            for (mean, &power) in means.iter_mut().zip(&*own_power) {
                *mean += rate * (power - *mean);
                // A band that stays masked must not become subnormal.
                if *mean < NOTHING {
                    *mean = 0.0;
                }
            }
        }
    }

    /// Writes the removed signal of one mic: the predicted bleed and the part that the mask drops.
    fn remove(
        &mut self,
        mic: usize,
        input: &[Complex32],
        controls: &Controls,
        removed: &mut Spectrum,
    ) {
        let num_bins = self.cleaned.num_bins();
        let bands = self.bands.num_bands();
        self.scratch.bleed.fill(0.0);
        self.scratch.band_bleed.fill(0.0);
        for &bleeder in self.order.mics() {
            if !self.cleaned.is_active(bleeder) || !is_bleed(controls, mic, bleeder) {
                continue;
            }
            let amount = controls.pair_amount[mic][bleeder].clamp(0.0, 1.0);
            let trust = amount * self.trust(mic, bleeder);
            let leftover = self.leftover.pair(mic, bleeder);
            for (trusted, leftover) in self.scratch.trusted.iter_mut().zip(leftover) {
                *trusted = leftover * trust;
            }
            let own = &self.scratch.own[bleeder * num_bins..][..num_bins];
            self.bands.add_scaled(&mut self.scratch.bleed, &self.scratch.trusted, own);
            let power = &self.scratch.band_power[bleeder * bands..][..bands];
            for ((bleed, leftover), power) in
                self.scratch.band_bleed.iter_mut().zip(leftover).zip(power)
            {
                *bleed += leftover * power;
            }
        }
        hidden_into(
            &self.scratch.band_power[mic * bands..][..bands],
            &self.scratch.band_bleed,
            &mut self.scratch.hidden,
        );
        let cleaned = self.cleaned.mic(mic);
        let out = removed.mic_mut(mic).iter_mut().zip(input).zip(cleaned);
        for (bin, ((out, input), cleaned)) in out.enumerate() {
            let band = self.bands.of_bin()[bin];
            let power = cleaned.norm_sqr();
            let mask = mask_gain(power, self.scratch.hidden[band], self.scratch.bleed[bin]);
            let (block, lane) = (bin / LANES, bin % LANES);
            let bleed = self.scratch.bleeding.get(mic, block);
            let bleed = Complex32::new(bleed.re.0[lane], bleed.im.0[lane]);
            *out = input - (input - bleed) * mask;
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

    /// Returns the reason why a guide is not used, if that is the case.
    pub(super) fn guide_trouble(&self) -> Option<GuideTrouble> {
        let guided = self.guide_behind.as_ref().or(self.guide_ahead.as_ref());
        guided.and_then(Guided::trouble)
    }

    /// Returns the trust in the leftover of a pair, 0 to 1. If filters exist and find nothing in
    /// any band there is no bleed, only two sources of similar level.
    fn trust(&self, target: usize, bleeder: usize) -> f32 {
        if !self.parts[target].0.0.contains(&bleeder) {
            return 1.0;
        }
        self.proof.compare(&self.crosstalk, (target, bleeder))
    }

    /// Sums the leftovers of all bleeders in one mic after cancellation into `scratch.bleed`.
    fn add_leftover(&mut self, mic: usize) {
        self.scratch.bleed.fill(0.0);
        for &bleeder in self.order.mics() {
            if bleeder != mic && self.cleaned.is_active(bleeder) {
                let num_bins = self.cleaned.num_bins();
                let power = &self.scratch.power[bleeder * num_bins..][..num_bins];
                let leftover = self.leftover.pair(mic, bleeder);
                self.bands.add_scaled(&mut self.scratch.bleed, leftover, power);
            }
        }
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

/// Returns the limit of a target's leakage from a bleeder at the bins of one block.
#[inline(always)]
fn bound_of(
    bands: &Bands,
    crosstalk: &Crosstalk,
    (target, bleeder): (usize, usize),
    block: usize,
) -> Real {
    lanes_of(bands, crosstalk.bound(target, bleeder), block)
}

/// Expands values per band to the bins of one block.
#[inline(always)]
fn lanes_of(bands: &Bands, values: &[f32], block: usize) -> Real {
    let mut lanes = [0.0; LANES];
    for (lane, &band) in lanes.iter_mut().zip(&bands.of_bin()[block * LANES..]) {
        *lane = values[band];
    }
    Real(lanes)
}

/// Subtracts the predicted bleed from every mic of a front. With `bleeding`, also stores the bleed
/// itself, scaled by the pair amounts.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn cancel(
    front: &Front,
    parts: &[(Slots, Filters)],
    taps: &[usize],
    cancelled: &mut Spectrum,
    mut bleeding: Option<(&mut Planes, &Controls)>,
) {
    debug_assert!(parts.len() <= MAX_MICS);
    let mut collected = [Complex::ZERO; MAX_UNKNOWNS];
    for (mic, (slots, filters)) in parts.iter().enumerate() {
        if !front.is_active(mic) {
            cancelled.silence(mic);
            continue;
        }
        let bins = cancelled.mic_mut(mic);
        for (block, &taps) in taps.iter().enumerate() {
            let guides = &mut collected[..slots.0.len() * taps];
            front.collect(slots, taps, block, guides);
            let own = front.mics.get(mic, block);
            let filter = filters.block(block);
            let (bleed, cleaned) = bounded(own, predict(filter, guides));
            let end = bins.len().min((block + 1) * LANES);
            for (lane, bin) in bins[block * LANES..end].iter_mut().enumerate() {
                *bin = Complex32::new(cleaned.re.0[lane], cleaned.im.0[lane]);
            }
            if let Some((planes, controls)) = &mut bleeding {
                let amounts = &controls.pair_amount[mic];
                let all = slots.0.iter().all(|&bleeder| amounts[bleeder] >= 1.0);
                let bleed = if all {
                    bleed
                } else {
                    for (&bleeder, guides) in slots.0.iter().zip(guides.chunks_exact_mut(taps)) {
                        let amount = Real::splat(amounts[bleeder].clamp(0.0, 1.0));
                        for guide in guides {
                            *guide = guide.scale(amount);
                        }
                    }
                    bounded(own, predict(filter, guides)).0
                };
                planes.set(mic, block, bleed);
            }
        }
    }
}

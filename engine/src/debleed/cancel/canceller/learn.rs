//! Learning: from a stream while it plays, and in passes over a whole session or passage.

use std::ops::Range;

use super::apply::cancel;
use super::{Canceller, Learning, band_powers};
use crate::controls::Controls;
use crate::debleed::cancel::bands::Bands;
use crate::debleed::cancel::filters::{Lesson, MAX_SLOTS, MAX_WAITING, Slots};
use crate::debleed::cancel::guide::Guided;
use crate::debleed::cancel::lanes::{LANES, Real};
use crate::debleed::cancel::statistics::Crosstalk;
use crate::debleed::is_bleed;
use crate::stft::Spectrum;

/// Weight of one hop relative to the next in the filters' equations: half is forgotten in 1400 hops
/// (15 s at 48 kHz).
const FORGET: f32 = 0.9995;
/// Hops in which every block of bins is solved once, in turns.
const SOLVE_EVERY_HOPS: usize = MAX_WAITING;
/// Hops between two choices of the strongest bleeders, if there are more bleeders than slots.
const CHOOSE_EVERY_HOPS: usize = 128;
/// Factor by which a bleeder must leak more than another to replace it in a slot.
const TAKE_OVER: f32 = 2.0;
/// Mics for which a block of bins is solved in one part of the end of a pass.
const MICS_OF_PART: usize = 4;
/// Updates of the interference: per band after learning passes, and per band's turn while a passage
/// is learned.
const UPDATES: usize = 30;
const UPDATES_OF_TURN: usize = 4;

impl Canceller {
    /// Adapts all estimates to the newest hop.
    pub(crate) fn adapt(&mut self, newest: &Spectrum, controls: &Controls) {
        self.adapts = true;
        self.follow_routing(newest, controls);
        self.learn_crosstalk(newest, controls, true);
        if self.hop.is_multiple_of(CHOOSE_EVERY_HOPS) {
            self.choose_bleeders(controls);
        }
        self.look(newest);
        let turn = self.hop % SOLVE_EVERY_HOPS;
        if self.guide_ahead.is_some() {
            cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
            self.learn_leftover(controls, true);
            self.look_guided(newest, controls);
            self.learn_filters(turn);
        } else {
            self.learn_filters(turn);
            cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
            self.learn_leftover(controls, true);
        }
        self.hop += 1;
    }

    /// Processes one hop of a learning pass.
    pub(crate) fn learn(&mut self, learning: Learning, spectrum: &Spectrum, controls: &Controls) {
        let mut part = 0;
        while self.learn_in_parts(learning, spectrum, controls, part) {
            part += 1;
        }
    }

    /// Does one part of [`Canceller::learn`]; returns false after the last one. Parts are numbered
    /// from 0: the guides by the canceller's own rules, the guide, the queue, and then one block of
    /// bins each.
    pub(crate) fn learn_in_parts(
        &mut self,
        learning: Learning,
        spectrum: &Spectrum,
        controls: &Controls,
        part: usize,
    ) -> bool {
        match part {
            0 => {
                self.begin_hop(learning, spectrum, controls);
                return !matches!(learning, Learning::Crosstalk | Learning::Leftover);
            }
            1 => {
                if learning != Learning::Filters {
                    self.look_guided(spectrum, controls);
                }
                return true;
            }
            2 => {
                self.queue_hop(learning, spectrum);
                return true;
            }
            _ => {}
        }
        let done = part - 3;
        if learning == Learning::Stage {
            let Some(stage) = &mut self.stage else { return false };
            let mut blocks = stage.blocks_of_turn().skip(done);
            if let Some(block) = blocks.next() {
                stage.learn_block(block, &mut self.power);
            }
            return blocks.next().is_some();
        }
        let mut blocks = self.pending.blocks_of_turn().skip(done);
        if let Some(block) = blocks.next() {
            self.learn_block(block, 1.0, false);
        }
        blocks.next().is_some()
    }

    /// Does the part of a learned hop that needs no guide.
    fn begin_hop(&mut self, learning: Learning, spectrum: &Spectrum, controls: &Controls) {
        self.order.follow(spectrum);
        match learning {
            Learning::Crosstalk => {
                self.follow_routing(spectrum, controls);
                self.learn_crosstalk(spectrum, controls, false);
                self.follow_power(spectrum);
            }
            Learning::Filters => self.look(spectrum),
            Learning::GuidedFilters | Learning::Stage => self.look_unguided(spectrum),
            Learning::Leftover => {
                self.look(spectrum);
                cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
                self.learn_leftover(controls, false);
                let power = &self.scratch.band_power;
                self.interference.add_power(power, self.cancelled.activity());
            }
        }
    }

    /// Queues a learned hop for the equations.
    fn queue_hop(&mut self, learning: Learning, spectrum: &Spectrum) {
        if learning == Learning::Stage {
            self.feed_stage(spectrum);
            if let Some(stage) = &mut self.stage {
                if !self.learns_stage {
                    stage.follow_slots(&self.parts);
                    self.learns_stage = true;
                }
                stage.queue(&self.power_hops);
            }
            return;
        }
        if learning == Learning::GuidedFilters {
            let masks = self.guide_ahead.as_ref().and_then(Guided::keep_and_power);
            let keep = masks.map(|(keep, _)| keep);
            self.interference.add_masks(keep, spectrum.activity());
        }
        self.pending.push(&self.ahead, &self.power_hops);
    }

    /// Ends a learning pass; `later` holds the passes after it.
    pub(crate) fn end_pass(&mut self, learning: Learning, later: &[Learning]) {
        let mut part = 0;
        while self.end_pass_in_parts(learning, later, part) {
            part += 1;
        }
    }

    /// Does one part of [`Canceller::end_pass`]; returns false after the last one. Parts are
    /// numbered from 0, and each costs less than a hop.
    pub(crate) fn end_pass_in_parts(
        &mut self,
        learning: Learning,
        later: &[Learning],
        part: usize,
    ) -> bool {
        let groups = self.num_mics.div_ceil(MICS_OF_PART).max(1);
        let (block, first) = (part / groups, part % groups * MICS_OF_PART);
        let mics = first..self.num_mics.min(first + MICS_OF_PART);
        let has_more_blocks = part + 1 < groups * self.taps.len();
        let has_more = match learning {
            Learning::Crosstalk => {
                if let Some(controls) = self.controls_seen.clone() {
                    self.choose_bleeders(&controls);
                }
                false
            }
            Learning::Filters | Learning::GuidedFilters => {
                // Nothing is queued any more for the other mics of the block.
                self.learn_block(block, 1.0, false);
                self.solve_block(block, mics);
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
                    stage.learn_block(block, &mut self.power);
                    stage.solve_block(block, mics, &mut self.scratch.solve, |pair| {
                        bound_of(bands, crosstalk, pair, block)
                    });
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
    /// [`Canceller::export`]. The result is not used while adapting.
    pub(crate) fn follow_interference(&mut self, spectrum: &Spectrum, controls: &Controls) {
        let masks = self.guide_ahead.as_ref().and_then(Guided::keep_and_power);
        let Some((keep, power)) = masks else { return };
        self.interference.add_masks(Some(keep), spectrum.activity());
        self.interference.add_power(power, spectrum.activity());
        let pairs = |target, bleeder| is_bleed(controls, target, bleeder);
        self.interference.update(UPDATES_OF_TURN, self.order.mics(), pairs);
    }

    /// Opens slots for mics that have sound for the first time. Starts over when the role or the
    /// group of a mic with sound changes.
    fn follow_routing(&mut self, spectrum: &Spectrum, controls: &Controls) {
        let routing =
            |controls: &Controls, mic: usize| (controls.mics[mic].role, controls.mics[mic].group);
        let moved: Vec<usize> = self.controls_seen.as_ref().map_or_else(Vec::new, |seen| {
            let has_moved = |&mic: &usize| routing(seen, mic) != routing(controls, mic);
            (0..self.num_mics).filter(has_moved).collect()
        });
        if moved.iter().any(|&mic| self.heard[mic]) {
            self.reset();
        } else {
            moved.iter().for_each(|&mic| self.begin_mic(mic, controls));
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
            for (target, (slots, _)) in self.parts.iter_mut().enumerate() {
                open_slot(slots, (target, mic), controls);
            }
        }
    }

    /// Starts over with a mic that has had no sound: only the bleed into it is affected.
    fn begin_mic(&mut self, mic: usize, controls: &Controls) {
        self.reset_in_parts(mic);
        let (slots, _) = &mut self.parts[mic];
        for &bleeder in self.order.mics().iter().filter(|&&bleeder| self.heard[bleeder]) {
            open_slot(slots, (mic, bleeder), controls);
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
    fn learn_filters(&mut self, turn: usize) {
        for mic in (0..self.num_mics).filter(|&mic| self.ahead.is_active(mic)) {
            self.power_hops[mic] = self.power_hops[mic] * FORGET + 1.0;
        }
        self.pending.push(&self.ahead, &self.power_hops);
        for block in self.pending.blocks_of_turn() {
            self.learn_block(block, FORGET, true);
        }
        for block in (turn..self.taps.len()).step_by(SOLVE_EVERY_HOPS) {
            self.learn_block(block, FORGET, true);
            self.solve_block(block, 0..self.num_mics);
        }
        if turn == 0 {
            self.follow_paths();
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
    pub(super) fn follow_paths(&mut self) {
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

    /// Solves the filters of some mics in a block.
    fn solve_block(&mut self, block: usize, mics: Range<usize>) {
        let mut bound = [Real::ZERO; MAX_SLOTS];
        for (mic, (slots, filters)) in (mics.start..).zip(&mut self.parts[mics]) {
            for (bound, &bleeder) in bound.iter_mut().zip(&slots.0) {
                let pair = (mic, bleeder);
                *bound = bound_of(&self.bands, &self.crosstalk, pair, block);
            }
            filters.solve(block, &bound[..slots.0.len()], &mut self.scratch.solve);
        }
    }
}

/// Opens a slot for a bleeder among those of a target, if there is bleed and one is free.
fn open_slot(slots: &mut Slots, (target, bleeder): (usize, usize), controls: &Controls) {
    if is_bleed(controls, target, bleeder) && slots.0.len() < MAX_SLOTS {
        slots.0.push(bleeder);
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

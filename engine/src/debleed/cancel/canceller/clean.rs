//! Cleaning of a hop: the predicted bleed and the part that a mask drops.

use realfft::num_complex::Complex32;

use super::apply::cancel;
use super::{Canceller, band_powers};
use crate::controls::Controls;
use crate::debleed::cancel::filters::{Stage, powers_into};
use crate::debleed::cancel::gains::{guide_gain, hidden_into, mask_gain};
use crate::debleed::cancel::guide::{Cleaned, Guided, Seen};
use crate::debleed::cancel::lanes::LANES;
use crate::debleed::{Hop, is_bleed};
use crate::stft::Spectrum;

/// Power that counts as zero.
const NOTHING: f32 = 1e-30;
/// Smallest rate at which the mean of own power follows.
const SLOWEST_OWN_MEAN: f32 = 1e-3;

impl Canceller {
    /// Runs the guide on the hop that the canceller's own rules have just cancelled.
    pub(super) fn look_guided(&mut self, newest: &Spectrum, controls: &Controls) {
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
    pub(crate) fn look_frozen(&mut self, newest: &Spectrum, controls: &Controls) {
        self.look_unguided(newest);
        self.look_guided(newest, controls);
    }

    /// Forms the guides of a hop by the canceller's own rules and, for a guide, cancels the hop
    /// with them.
    pub(super) fn look_unguided(&mut self, newest: &Spectrum) {
        self.order.follow(newest);
        self.look(newest);
        if self.guide_ahead.is_some() {
            cancel(&self.ahead, &self.parts, &self.taps, &mut self.cancelled, None);
        }
    }

    /// Passes the outputs of the first stage, masks included, to the second stage.
    pub(super) fn feed_stage(&mut self, mics: &Spectrum) {
        let Some(stage) = &mut self.stage else { return };
        cancel(&self.ahead, &self.parts, &self.taps, &mut self.cleaned, None);
        let num_bands = self.bands.num_bands();
        let keep = self.guide_ahead.as_ref().and_then(Guided::keep_and_power).map(|(keep, _)| keep);
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

    /// Computes the signal to remove from the current hop.
    pub(crate) fn clean(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
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
                heard.then(|| controls.pair(mic, bleeder))
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
            let amount = controls.pair(mic, bleeder);
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

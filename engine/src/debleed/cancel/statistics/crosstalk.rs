//! Estimates how much of each mic's source leaks into each other mic, while playing.

#[cfg(test)]
mod tests;

/// Levels of the histograms, in steps of [`STEP_DB`] from [`LOWEST_DB`].
const NUM_LEVELS: usize = 100;
const LOWEST_DB: f32 = -90.0;
const STEP_DB: f32 = 1.5;
/// Quantile of the ratios that serves as the crosstalk: low, as a mic's own source only ever raises
/// a ratio.
const QUANTILE: f32 = 0.04;
/// Weight of the newest hop in the smoothed powers.
const SMOOTHING: f32 = 0.33;
/// Share of its own mean power above which a bleeder counts as playing.
const PLAYING_SHARE: f32 = 0.01;
/// Growth of a new hop's weight over older ones with every hop that a band learns from: half is
/// forgotten in 1400 such hops (15 s at 48 kHz).
const FORGETTING: f32 = 1.0005;
/// Hops after which an estimate counts in full.
const CONFIDENT_HOPS: f32 = 20.0;
/// Largest crosstalk, relative to the ratio of the two mics' overall levels. A larger value occurs
/// only in a band in which the neighbour has no sound of its own.
const LOUDEST: f32 = 0.2;
/// Smallest rate at which the mean power follows.
const SLOWEST_MEAN: f32 = 1e-3;
/// Fastest fall per hop, as a factor, of the mean that playing is compared with (half in 74 s), so
/// that the noise of a pause between songs does not count as playing.
const FASTEST_LOUD_FALL: f32 = 0.9999;
/// Hops in which every band's quantile is looked up once, in turns.
const LOOKUP_STRIDE: usize = 4;
/// Bands on either side of a band that limit its crosstalk: one in this many of all.
const PART_BESIDE: usize = 4;
/// Quantile of these bands' crosstalk that a band is compared with.
const LOW_SHARE: f32 = 0.05;
/// Factor by which a band's crosstalk may exceed that quantile: rooms and mics differ that much
/// with frequency.
const OVER_LEAST: f32 = 4.0;
/// Hops after which a band has its full limit (4.3 s at 48 kHz): a quantile of few hops is too
/// high, so the limit grows until then.
const SURE_HOPS: f32 = 400.0;
/// Hops between two comparisons of a band with its neighbours.
const BOUND_STRIDE: usize = 16;
/// Weight above which weights are scaled back.
const LARGEST_WEIGHT: f32 = 1e12;
/// Share of a new hop's weight below which weights become 0, before they are subnormal.
const FORGOTTEN: f32 = 1e-15;

/// Estimates the crosstalk between every pair of mics in every band.
///
/// For target `i` and bleeder `j` it collects the ratio of their powers over all hops in which `j`
/// plays. Whenever `i`'s own source is silent the ratio is the crosstalk; at all other times it is
/// higher. A low quantile is therefore the crosstalk, without knowledge of who plays when.
///
/// # Shapes
///
/// Powers are `[mic, band]`, crosstalk is `[target, bleeder, band]`, power ratios; 0 where nothing
/// is known.
///
/// # Invariants
///
/// - `crosstalk[i][j] * crosstalk[j][i] <= 1` in every band: two mics that never differ carry no
///   information about the direction of bleed.
/// - Scaling a mic scales its rows and columns and changes nothing else (up to the
///   histogram's step).
/// - Silent mics neither learn nor contribute, and a pause does not age the estimates: hops fade
///   only with those that are learned after them.
///
/// # Real-time
///
/// Worker or main thread only.
#[derive(Debug)]
pub(crate) struct Crosstalk {
    num_mics: usize,
    num_bands: usize,
    smoothed: Vec<f32>,
    mean: Vec<f32>,
    /// Largest recent mean, `[mic, band]`.
    loud: Vec<f32>,
    /// Smoothed powers in decibels, `[mic, band]`.
    level_db: Vec<f32>,
    heard_hops: Vec<u32>,
    /// `[target, bleeder, band, level]`.
    histogram: Vec<f32>,
    /// `[target, bleeder, band]`.
    total: Vec<f32>,
    /// Level at which the quantile was last found, and the weight of all levels below it.
    found_level: Vec<u8>,
    below: Vec<f32>,
    quantile: Vec<f32>,
    consistent: Vec<f32>,
    /// Limit of each band's crosstalk from its neighbours, `[target, bleeder, band]`.
    bound: Vec<f32>,
    /// Scratch: the neighbours being compared.
    compared: Vec<f32>,
    /// Weight of the newest hop, `[target, bleeder, band]`.
    weight: Vec<f32>,
    hop: usize,
    /// Overall level of each mic, `[mic]`, and true where it counts as playing, `[mic, band]`.
    overall: Vec<f32>,
    playing: Vec<bool>,
}

impl Crosstalk {
    pub(crate) fn new(num_mics: usize, num_bands: usize) -> Self {
        let pairs = num_mics * num_mics * num_bands;
        Self {
            num_mics,
            num_bands,
            smoothed: vec![0.0; num_mics * num_bands],
            mean: vec![0.0; num_mics * num_bands],
            loud: vec![0.0; num_mics * num_bands],
            level_db: vec![0.0; num_mics * num_bands],
            heard_hops: vec![0; num_mics],
            histogram: vec![0.0; pairs * NUM_LEVELS],
            total: vec![0.0; pairs],
            found_level: vec![0; pairs],
            below: vec![0.0; pairs],
            quantile: vec![0.0; pairs],
            consistent: vec![0.0; pairs],
            bound: vec![0.0; pairs],
            compared: Vec::with_capacity(num_bands),
            weight: vec![1.0; pairs],
            hop: 0,
            overall: vec![0.0; num_mics],
            playing: vec![false; num_mics * num_bands],
        }
    }

    /// Returns the crosstalk of a pair, `[band]`.
    pub(crate) fn pair(&self, target: usize, bleeder: usize) -> &[f32] {
        &self.consistent[(target * self.num_mics + bleeder) * self.num_bands..][..self.num_bands]
    }

    /// Returns the limit of a target's leakage from a bleeder, `[band]`: a multiple of the lowest
    /// crosstalk of the bands around.
    ///
    /// In a band in which a target never rests, its own source raises every ratio, and with it the
    /// crosstalk found there. The leakage between two places differs less from band to band than
    /// the played sound.
    pub(crate) fn bound(&self, target: usize, bleeder: usize) -> &[f32] {
        &self.bound[(target * self.num_mics + bleeder) * self.num_bands..][..self.num_bands]
    }

    /// Returns the mean power of a mic's bands, `[band]`.
    pub(crate) fn means(&self, mic: usize) -> &[f32] {
        &self.mean[mic * self.num_bands..][..self.num_bands]
    }

    /// Returns the number of hops in which a mic had sound.
    pub(crate) fn heard_hops(&self, mic: usize) -> f32 {
        self.heard_hops[mic] as f32
    }

    /// Returns the mean power that a bleeder leaks into a target, summed over bands.
    pub(crate) fn leaked(&self, target: usize, bleeder: usize) -> f32 {
        self.leaked_of(target, bleeder, self.means(bleeder))
    }

    /// Returns the part of `power`, `[band]`, that a bleeder leaks into a target, summed
    /// over bands.
    pub(crate) fn leaked_of(&self, target: usize, bleeder: usize, power: &[f32]) -> f32 {
        let pair = self.pair(target, bleeder);
        pair.iter().zip(power).map(|(crosstalk, power)| crosstalk * power).sum()
    }

    /// Learns from one hop; `power` is `[mic, band]`, `is_bleed` selects the pairs to follow, and
    /// `forget` makes old hops fade.
    pub(crate) fn update(
        &mut self,
        power: &[f32],
        active: &[bool],
        is_bleed: impl Fn(usize, usize) -> bool,
        forget: bool,
    ) {
        let (num_mics, num_bands) = (self.num_mics, self.num_bands);
        for mic in (0..num_mics).filter(|&mic| active[mic]) {
            self.heard_hops[mic] = self.heard_hops[mic].saturating_add(1);
            let rate = (1.0 / self.heard_hops[mic] as f32).max(SLOWEST_MEAN);
            let range = mic * num_bands..(mic + 1) * num_bands;
            let stored = self.smoothed[range.clone()].iter_mut().zip(&mut self.mean[range.clone()]);
            let level_db = &mut self.level_db[range.clone()];
            for (((smoothed, mean), level_db), &new) in
                stored.zip(level_db).zip(&power[range.clone()])
            {
                *smoothed += SMOOTHING * (new - *smoothed);
                *mean += rate * (new - *mean);
                *level_db = decibels(*smoothed);
            }
            self.overall[mic] = self.level(mic);
            let stored = self.smoothed[range.clone()].iter().zip(&self.mean[range.clone()]);
            let judged = self.loud[range.clone()].iter_mut().zip(&mut self.playing[range]);
            for ((loud, playing), (&smoothed, &mean)) in judged.zip(stored) {
                *loud = mean.max(FASTEST_LOUD_FALL * *loud);
                *playing = smoothed > 0.0 && smoothed > PLAYING_SHARE * *loud;
            }
        }
        for target in 0..num_mics {
            for bleeder in 0..num_mics {
                if active[target] && active[bleeder] && is_bleed(target, bleeder) {
                    self.update_pair(target, bleeder, forget);
                }
            }
        }
        self.make_consistent();
        self.find_bounds();
        self.hop += 1;
    }

    /// Compares the bands whose turn it is with their neighbours, for all pairs.
    fn find_bounds(&mut self) {
        let first = (BOUND_STRIDE - self.hop % BOUND_STRIDE) % BOUND_STRIDE;
        for pair in 0..self.num_mics * self.num_mics {
            for band in (first..self.num_bands).step_by(BOUND_STRIDE) {
                let at = pair * self.num_bands + band;
                let sure = (self.total[at] / self.weight[at] / SURE_HOPS).min(1.0);
                self.bound[at] = sure * self.allowed(pair, band);
            }
        }
    }

    /// Returns the limit of a band of one pair from its neighbours.
    fn allowed(&mut self, pair: usize, band: usize) -> f32 {
        let bands = self.num_bands;
        let reach = bands / PART_BESIDE;
        let around = band.saturating_sub(reach)..(band + reach + 1).min(bands);
        let crosstalk = &self.consistent[pair * bands..(pair + 1) * bands];
        self.compared.clear();
        self.compared.extend(crosstalk[around].iter().copied().filter(|&c| c > 0.0));
        let Some(last) = self.compared.len().checked_sub(1) else { return 0.0 };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a number of bands"
        )]
        let low = (LOW_SHARE * last as f32) as usize;
        let (_, &mut least, _) = self.compared.select_nth_unstable_by(low, f32::total_cmp);
        OVER_LEAST * least
    }

    fn update_pair(&mut self, target: usize, bleeder: usize, forget: bool) {
        let bands = self.num_bands;
        let pair = (target * self.num_mics + bleeder) * bands;
        let to = target * bands..(target + 1) * bands;
        let from = bleeder * bands..(bleeder + 1) * bands;
        let levels_db = self.level_db[to.clone()].iter().zip(&self.level_db[from.clone()]);
        let playing = self.smoothed[to].iter().zip(&self.playing[from]);
        for (at, ((&to_db, &from_db), (&to, &playing))) in (pair..).zip(levels_db.zip(playing)) {
            if playing && to > 0.0 {
                let level = (to_db - from_db - LOWEST_DB) / STEP_DB;
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "clamped to the histogram first"
                )]
                let level = level.clamp(0.0, (NUM_LEVELS - 1) as f32) as u8;
                if forget {
                    self.weight[at] *= FORGETTING;
                }
                let weight = self.weight[at];
                self.histogram[at * NUM_LEVELS + usize::from(level)] += weight;
                self.total[at] += weight;
                if level < self.found_level[at] {
                    self.below[at] += weight;
                }
            }
        }
        let loudest = LOUDEST * self.overall[target] / self.overall[bleeder].max(f32::MIN_POSITIVE);
        for band in self.bands_of_turn() {
            let at = pair + band;
            if self.weight[at] > LARGEST_WEIGHT {
                self.rescale(at);
            }
            if self.total[at] > 0.0 {
                let confidence = (self.total[at] / self.weight[at] / CONFIDENT_HOPS).min(1.0);
                self.quantile[at] = confidence * self.look_up(at).min(loudest);
            }
        }
    }

    /// Returns the bands whose quantiles are looked up in this hop.
    fn bands_of_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let first = (LOOKUP_STRIDE - self.hop % LOOKUP_STRIDE) % LOOKUP_STRIDE;
        (first..self.num_bands).step_by(LOOKUP_STRIDE)
    }

    /// Returns a mic's overall level: the square of the summed band amplitudes, so that many quiet
    /// bands count beside one loud one.
    fn level(&self, mic: usize) -> f32 {
        let amplitude: f32 = self.mean[mic * self.num_bands..][..self.num_bands]
            .iter()
            .map(|mean| mean.sqrt())
            .sum();
        amplitude * amplitude
    }

    /// Returns the quantile of one histogram as a power ratio, searched from its last level.
    fn look_up(&mut self, at: usize) -> f32 {
        let histogram = &self.histogram[at * NUM_LEVELS..][..NUM_LEVELS];
        let threshold = QUANTILE * self.total[at];
        let mut level = usize::from(self.found_level[at]);
        let mut below = self.below[at];
        while level > 0 && below >= threshold {
            level -= 1;
            // An empty sum is 0 without rounding.
            below = if level == 0 { 0.0 } else { below - histogram[level] };
        }
        while level < NUM_LEVELS - 1
            && (histogram[level] <= 0.0 || below + histogram[level] < threshold)
        {
            below += histogram[level];
            level += 1;
        }
        #[allow(clippy::cast_possible_truncation, reason = "a level of the histogram")]
        let found_level = level as u8;
        self.found_level[at] = found_level;
        self.below[at] = below;
        let part = ((threshold - below) / histogram[level].max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
        10.0_f32.powf((LOWEST_DB + STEP_DB * (level as f32 + part)) / 10.0)
    }

    /// Scales both directions of a pair down if their product exceeds 1, in the bands just
    /// looked up.
    fn make_consistent(&mut self) {
        let (mics, bands) = (self.num_mics, self.num_bands);
        for target in 0..mics {
            for bleeder in 0..mics {
                let there = (target * mics + bleeder) * bands;
                let back = (bleeder * mics + target) * bands;
                for band in self.bands_of_turn() {
                    let product = self.quantile[there + band] * self.quantile[back + band];
                    let scale = if product > 1.0 { product.sqrt().recip() } else { 1.0 };
                    self.consistent[there + band] = self.quantile[there + band] * scale;
                }
            }
        }
    }

    /// Scales a pair's band so that its newest hop weighs 1 again.
    fn rescale(&mut self, at: usize) {
        let scale = self.weight[at].recip();
        let histogram = &mut self.histogram[at * NUM_LEVELS..][..NUM_LEVELS];
        for weight in histogram.iter_mut() {
            *weight *= scale;
            if *weight < FORGOTTEN {
                *weight = 0.0;
            }
        }
        // Summed again, so that rounding errors do not outlive forgotten hops.
        self.total[at] = histogram.iter().sum();
        self.below[at] = histogram[..usize::from(self.found_level[at])].iter().sum();
        self.weight[at] = 1.0;
    }

    /// Returns the crosstalk of all pairs, `[target, bleeder, band]`.
    pub(crate) fn pairs(&self) -> &[f32] {
        &self.consistent
    }

    /// Returns the number of hops in which each mic had sound, `[mic]`.
    pub(crate) fn all_heard_hops(&self) -> &[u32] {
        &self.heard_hops
    }

    /// Returns the confidence of a pair's crosstalk, averaged over bands, 0 to 1.
    pub(crate) fn confidence(&self, target: usize, bleeder: usize) -> f32 {
        let at = (target * self.num_mics + bleeder) * self.num_bands;
        let range = at..at + self.num_bands;
        let pairs = self.total[range.clone()].iter().zip(&self.weight[range]);
        let sure = pairs.map(|(total, weight)| (total / (CONFIDENT_HOPS * weight)).min(1.0));
        sure.sum::<f32>() / self.num_bands as f32
    }

    /// Returns the number of hops that a pair has learned from, less forgotten ones, averaged
    /// over bands.
    pub(super) fn learned_hops(&self, target: usize, bleeder: usize) -> f32 {
        let at = (target * self.num_mics + bleeder) * self.num_bands;
        let range = at..at + self.num_bands;
        let pairs = self.total[range.clone()].iter().zip(&self.weight[range]);
        pairs.map(|(total, weight)| total / weight).sum::<f32>() / self.num_bands as f32
    }

    /// Restores learned estimates. Learning cannot continue from them, as the histograms are empty.
    pub(crate) fn restore(&mut self, pairs: &[f32], means: &[f32], heard_hops: &[u32]) {
        self.reset();
        self.consistent.copy_from_slice(pairs);
        self.mean.copy_from_slice(means);
        self.loud.copy_from_slice(means);
        self.heard_hops.copy_from_slice(heard_hops);
        // A learned passage was long enough for full limits.
        for at in 0..self.bound.len() {
            self.bound[at] = self.allowed(at / self.num_bands, at % self.num_bands);
        }
    }

    /// Clears everything.
    pub(crate) fn reset(&mut self) {
        for values in [
            &mut self.smoothed,
            &mut self.mean,
            &mut self.loud,
            &mut self.level_db,
            &mut self.histogram,
            &mut self.total,
            &mut self.below,
            &mut self.quantile,
            &mut self.consistent,
            &mut self.bound,
        ] {
            values.fill(0.0);
        }
        self.found_level.fill(0);
        self.heard_hops.fill(0);
        self.weight.fill(1.0);
        self.hop = 0;
    }
}

fn decibels(power: f32) -> f32 {
    10.0 * power.log10()
}

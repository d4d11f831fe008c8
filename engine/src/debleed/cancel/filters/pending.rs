//! Queue of hops to learn from: the filters' equations are too large to update in every hop.

use super::front::Front;
use super::{
    Excerpt, Filters, MAX_SLOTS, MAX_TAPS, MAX_UNKNOWNS, MAX_WAITING, Slots, WEIGHT_FLOOR,
};
use crate::debleed::cancel::lanes::{Complex, LANES, Real};

/// Hops before the queued ones that the taps reach.
const BEFORE: usize = MAX_TAPS - 1;
/// Smallest expected bleed of a learned hop, as a share of the weight floor ([`WEIGHT_FLOOR`] of
/// the mic's mean power).
const WORTH_LEARNING: f32 = 1e-3;
/// Power of a bin about 110 dB below full scale. Quieter bins count as no signal, not as silence of
/// the own source.
const SMALLEST_POWER: f32 = 1e-5;
/// Largest ratio of expected bleed to own power in the weight of one hop, so that no single hop (of
/// a mic that is not open yet, for instance) outweighs all others.
const LARGEST_SURPRISE: f32 = 100.0;

/// The last hops of every mic and of its guides, block by block.
///
/// The equations of a block take several hops at once, in turns, as reading and writing them costs
/// more than the sums.
#[derive(Debug)]
pub(crate) struct Pending {
    num_mics: usize,
    /// `[block, mic, before + hop]`.
    guides: Vec<Complex>,
    /// `[block, mic, hop]`.
    mics: Vec<Complex>,
    /// Number of queued hops, `[block]`.
    waiting: Vec<usize>,
    /// 1 / number of hops in a mic's mean power, 0 for a mic without sound, `[hop ring, mic]`.
    shares: Vec<f32>,
    pushed: usize,
    /// Hops since each mic had sound, `[mic]`.
    quiet_hops: Vec<usize>,
    /// Number of hops of the front at the last push.
    look: usize,
}

/// Parameters for learning from the queued hops of one mic and block.
#[derive(Debug)]
pub(crate) struct Lesson<'a> {
    pub(crate) block: usize,
    pub(crate) mic: usize,
    pub(crate) slots: &'a Slots,
    /// Crosstalk of the bleeders, `[slot]`; `None` if the guides are known to be good.
    pub(crate) crosstalk: Option<&'a [Real]>,
    pub(crate) forget: f32,
    /// True to update the mic's mean power too.
    pub(crate) follows_power: bool,
}

impl Pending {
    pub(crate) fn new(num_mics: usize, num_blocks: usize) -> Self {
        let rows = num_blocks * num_mics;
        Self {
            num_mics,
            guides: vec![Complex::ZERO; rows * (BEFORE + MAX_WAITING)],
            mics: vec![Complex::ZERO; rows * MAX_WAITING],
            waiting: vec![0; num_blocks],
            shares: vec![0.0; MAX_WAITING * num_mics],
            pushed: 0,
            quiet_hops: vec![0; num_mics],
            look: 0,
        }
    }

    /// Adds the newest hop of `front`; `power_hops` is `[mic]`.
    pub(crate) fn push(&mut self, front: &Front, power_hops: &[f32]) {
        if front.looks() != self.look.wrapping_add(1) {
            self.start_at(front);
        }
        self.look = front.looks();
        let shares = &mut self.shares[self.pushed % MAX_WAITING * self.num_mics..];
        let mics = shares.iter_mut().zip(power_hops).zip(&mut self.quiet_hops);
        for (mic, ((share, hops), quiet_hops)) in mics.enumerate() {
            *quiet_hops = if front.is_active(mic) { 0 } else { quiet_hops.saturating_add(1) };
            *share = if front.is_active(mic) { hops.recip() } else { 0.0 };
        }
        self.pushed += 1;
        for (block, waiting) in self.waiting.iter_mut().enumerate() {
            for mic in 0..self.num_mics {
                let row = block * self.num_mics + mic;
                self.guides[row * (BEFORE + MAX_WAITING) + BEFORE + *waiting] =
                    front.guide(mic, 0, block);
                self.mics[row * MAX_WAITING + *waiting] = front.mics.get(mic, block);
            }
            *waiting += 1;
        }
    }

    /// Drops the queue, as hops were left out, and copies those that the taps of `front` reach.
    fn start_at(&mut self, front: &Front) {
        self.waiting.fill(0);
        self.quiet_hops.fill(0);
        for (row, guides) in self.guides.chunks_exact_mut(BEFORE + MAX_WAITING).enumerate() {
            let reached = guides[..BEFORE].iter_mut().rev().take(front.memory_hops());
            for (tap, guide) in reached.enumerate() {
                *guide = front.guide(row % self.num_mics, tap + 1, row / self.num_mics);
            }
        }
    }

    /// Returns the blocks to learn after the newest hop, so that no queue overflows.
    pub(crate) fn blocks_of_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let turn = (self.pushed + MAX_WAITING - 1) % MAX_WAITING;
        (turn..self.waiting.len()).step_by(MAX_WAITING)
    }

    pub(crate) fn is_waiting(&self, block: usize) -> bool {
        self.waiting[block] > 0
    }

    /// Adds a block's queued hops to one mic's filters; `power` is the mic's summed power at
    /// its bins.
    pub(crate) fn teach(&self, lesson: &Lesson<'_>, power: &mut [f32], filters: &mut Filters) {
        teach(self, lesson, power, filters);
    }

    /// Marks the block's queued hops as consumed.
    pub(crate) fn learned(&mut self, block: usize) {
        let waiting = std::mem::take(&mut self.waiting[block]);
        let size = self.num_mics * (BEFORE + MAX_WAITING);
        for guides in self.guides[block * size..][..size].chunks_exact_mut(BEFORE + MAX_WAITING) {
            guides.copy_within(waiting..waiting + BEFORE, 0);
        }
    }

    /// Drops the queued hops and those before them.
    pub(crate) fn clear(&mut self) {
        self.guides.fill(Complex::ZERO);
        self.waiting.fill(0);
        self.quiet_hops.fill(0);
        self.pushed = 0;
    }

    /// Returns the guides of a mic in one block, `[before + hop]`.
    #[inline(always)]
    fn guides(&self, block: usize, mic: usize) -> &[Complex; BEFORE + MAX_WAITING] {
        let (rows, _) = self.guides.as_chunks();
        &rows[block * self.num_mics + mic]
    }
}

#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn teach(pending: &Pending, lesson: &Lesson<'_>, power: &mut [f32], filters: &mut Filters) {
    let &Lesson { block, mic, slots, crosstalk, forget, follows_power } = lesson;
    let waiting = pending.waiting[block];
    let (mics, _) = pending.mics.as_chunks::<MAX_WAITING>();
    let mics = &mics[block * pending.num_mics + mic];
    let own_guides = pending.guides(block, mic);

    let mut weights = [Real::ZERO; MAX_WAITING];
    let mut mean = Real::load(power);
    let mut num_learned = 0;
    for hop in 0..waiting {
        let ring = (pending.pushed - waiting + hop) % MAX_WAITING;
        let share = pending.shares[ring * pending.num_mics + mic];
        if share <= 0.0 {
            continue;
        }
        if follows_power {
            mean = mean * Real::splat(forget) + mics[hop].norm_sqr();
        }
        let floor = mean * Real::splat(share * WEIGHT_FLOOR);
        let mut expected = Real::ZERO;
        if let Some(crosstalk) = crosstalk {
            for (&bleeder, &crosstalk) in slots.0.iter().zip(crosstalk) {
                let guide = &pending.guides(block, bleeder)[BEFORE + hop];
                expected = expected + guide.norm_sqr() * crosstalk;
            }
            if !expected.any_above(floor * Real::splat(WORTH_LEARNING)) {
                continue;
            }
        }
        let guide = own_guides[BEFORE + hop].norm_sqr();
        let surprise = expected * Real::splat(LARGEST_SURPRISE.recip());
        weights[hop] = (guide + floor + surprise).map(|power| (power + SMALLEST_POWER).recip());
        num_learned += 1;
    }
    if follows_power {
        power[..LANES].copy_from_slice(&mean.0);
    }
    if num_learned == 0 {
        return;
    }
    let taps = filters.taps(block);
    let mut guides = [&[Complex::ZERO; MAX_WAITING]; MAX_UNKNOWNS];
    for (&bleeder, unknowns) in slots.0.iter().zip(guides.chunks_exact_mut(taps)) {
        let all = pending.guides(block, bleeder);
        for (tap, unknown) in unknowns.iter_mut().enumerate() {
            if let Some(hops) = all[BEFORE - tap..].first_chunk() {
                *unknown = hops;
            }
        }
    }
    let mut are_silent = [false; MAX_SLOTS];
    for (is_silent, &bleeder) in are_silent.iter_mut().zip(&slots.0) {
        *is_silent = pending.quiet_hops[bleeder] >= waiting + BEFORE;
    }
    let guides = &guides[..slots.0.len() * taps];
    let excerpt = Excerpt { mic: mics, guides, weights: &weights, are_silent: &are_silent };
    filters.learn(block, &excerpt, forget);
}

//! Collects the stream's samples at a low rate into blocks, without gaps.

use engine::GroupId;

use crate::track::MemberId;

/// Rate near which the samples are reduced, in Hz. Half of it is the highest frequency compared.
const REDUCED_HZ: f32 = 8000.0;
/// Samples of a block: 2.05 s at 48 kHz.
pub(super) const BLOCK_SAMPLES: usize = 1 << 14;

/// One track of a hop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) id: MemberId,
    /// Group of its mics, which share a source.
    pub(crate) group: Option<GroupId>,
    /// True if none of its samples is missing.
    pub(crate) is_whole: bool,
    /// Samples, `[mic, hop]`.
    pub(crate) samples: &'a [f32],
}

/// One track of a block.
#[derive(Clone, Debug)]
pub(super) struct Sound {
    pub(super) id: MemberId,
    pub(super) group: Option<GroupId>,
    pub(super) is_whole: bool,
    pub(super) samples: Vec<f32>,
    /// Sum of the first samples of the next reduced one.
    sum: f32,
}

/// Reduced samples of all tracks.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// Number of the stretch without jumps, and of the block within it.
    pub(super) stretch: u64,
    pub(super) index: u64,
    pub(super) sounds: Vec<Sound>,
}

impl Block {
    /// Returns true if this block goes on where `before` ended, with the same tracks.
    pub(super) fn continues(&self, before: &Self) -> bool {
        let ids = |block: &Self| -> Vec<MemberId> { block.sounds.iter().map(|s| s.id).collect() };
        self.stretch == before.stretch && self.index == before.index + 1 && ids(self) == ids(before)
    }
}

/// Returns the number of samples that become one.
pub(super) fn reduction(rate_hz: f32) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most hundreds")]
    let factor = (rate_hz / REDUCED_HZ).round() as usize;
    factor.max(1)
}

/// Collects hops.
#[derive(Debug)]
pub(super) struct Feed {
    factor: usize,
    /// Samples in the sums of the tracks.
    phase: usize,
    block: Block,
}

impl Feed {
    pub(super) fn new(rate_hz: f32) -> Self {
        Self { factor: reduction(rate_hz), phase: 0, block: Block::default() }
    }

    /// Begins anew: the next samples do not follow the last ones.
    pub(super) fn jump(&mut self) {
        self.phase = 0;
        self.block = Block { stretch: self.block.stretch + 1, ..Block::default() };
    }

    /// Adds a hop, and returns the block that it completes.
    pub(super) fn push(&mut self, hop: usize, tracks: &[Heard<'_>]) -> Option<Block> {
        let sounds = &mut self.block.sounds;
        let is_same = sounds.len() == tracks.len()
            && sounds.iter().zip(tracks).all(|(sound, track)| sound.id == track.id);
        if !is_same {
            self.jump();
            self.block.sounds = tracks.iter().map(begin).collect();
        }
        let whole = (self.phase + hop) / self.factor;
        for (sound, track) in self.block.sounds.iter_mut().zip(tracks) {
            sound.group = track.group;
            sound.is_whole &= track.is_whole;
            reduce(sound, track.samples, hop, self.factor, self.phase);
        }
        self.phase = (self.phase + hop) - whole * self.factor;
        let is_full =
            self.block.sounds.first().is_some_and(|sound| sound.samples.len() >= BLOCK_SAMPLES);
        is_full.then(|| self.take())
    }

    /// Returns the full block, and goes on with the samples after it.
    fn take(&mut self) -> Block {
        let rest = |sound: &mut Sound| Sound {
            id: sound.id,
            group: sound.group,
            is_whole: true,
            samples: with_room(sound.samples.split_off(BLOCK_SAMPLES)),
            sum: sound.sum,
        };
        let next = Block {
            stretch: self.block.stretch,
            index: self.block.index + 1,
            sounds: self.block.sounds.iter_mut().map(rest).collect(),
        };
        std::mem::replace(&mut self.block, next)
    }
}

fn begin(track: &Heard<'_>) -> Sound {
    let samples = with_room(Vec::new());
    Sound { id: track.id, group: track.group, is_whole: true, samples, sum: 0.0 }
}

fn with_room(mut samples: Vec<f32>) -> Vec<f32> {
    samples.reserve(BLOCK_SAMPLES + BLOCK_SAMPLES / 4);
    samples
}

/// Appends means over `factor` samples, of which `phase` are in the sum. The mics of a track are
/// added up.
fn reduce(sound: &mut Sound, mics: &[f32], hop: usize, factor: usize, mut phase: usize) {
    for n in 0..hop {
        sound.sum += mics[n..].iter().step_by(hop).sum::<f32>();
        phase += 1;
        if phase == factor {
            sound.samples.push(sound.sum / factor as f32);
            (sound.sum, phase) = (0.0, 0);
        }
    }
}

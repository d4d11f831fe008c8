//! What the network learns from: a scene as the canceller shows it, hop by hop, with the truth in bands.

use crate::scenes::Scene;
use anyhow::{Context, Result, ensure};
use engine::debleed::cancel::{Guide, GuideHop, GuideMasks, NUM_BANDS, NUM_FEATURES};
use engine::debleed::{Cancel, Debleed, Online};
use engine::network::{Network, NetworkGuide};
use engine::pipeline::Pipeline;
use engine::stft::{Analysis, Geometry, Spectrum};
use engine::{Controls, GroupId, Mode, SampleRate};
use half::f16;
use std::sync::{Arc, Mutex, PoisonError};

/// Band sums of each hop and mic: power of the cancelled mic, its product with the truth, power of the truth, power of the mic as it came.
pub const NUM_SUMS: usize = 4;

/// How the canceller gets to know a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// While playing, without lookahead.
    Live,
    /// While playing, with lookahead.
    Mix,
    /// From the whole session first.
    Learned,
}

/// One scene as the network sees it.
#[derive(Clone, Debug)]
pub struct Example {
    /// Mics.
    pub num_mics: usize,
    /// Hops.
    pub num_hops: usize,
    /// `[hop, mic, feature * band]`
    pub features: Vec<f16>,
    /// `[hop, mic, sum, band]`, see [`NUM_SUMS`]; scaled so that each mic has mean power 1.
    pub sums: Vec<f32>,
    /// `[mic, mic]`: whether column can bleed into row.
    pub bleeds: Vec<bool>,
    /// `[mic, mic]`: whether two mics share a source.
    pub one_source: Vec<bool>,
}

impl Example {
    /// Plays a scene through the canceller, with `network` as its guide or with its own rules, and keeps what a guide is shown.
    ///
    /// # Errors
    ///
    /// When the engine does not take the scene's rate.
    pub fn record(scene: &Scene, way: Way, network: Option<&Arc<Network>>) -> Result<Self> {
        let rate = SampleRate::new(scene.rate_hz as f32)
            .context("the engine does not work at this rate")?;
        let num_mics = scene.mics.len();
        let controls = controls(scene);
        let geometry = match way {
            Way::Live => Mode::Live.geometry(rate),
            Way::Mix | Way::Learned => Mode::Mix.geometry(rate),
        };
        let truth = Arc::new(spectra(&scene.targets, geometry));
        let tape = Arc::new(Mutex::new(Tape::default()));
        let make = || -> Box<dyn Guide> {
            Box::new(Recorder {
                inner: network.map(|network| NetworkGuide::new(Arc::clone(network), num_mics)),
                truth: Arc::clone(&truth),
                tape: Arc::clone(&tape),
                hop: 0,
            })
        };
        let method: Box<dyn Debleed> = match way {
            Way::Live => Box::new(Online::guided(rate, Mode::Live, num_mics, &make)),
            // The guide that looks ahead is made first; the last one made keeps the tape.
            Way::Mix => Box::new(Online::guided(rate, Mode::Mix, num_mics, &make)),
            Way::Learned => Box::new(Cancel::guided(rate, num_mics, &make)),
        };
        ensure!(way != Way::Mix, "two guides would share one tape");
        let mut pipeline = Pipeline::new(method, num_mics);
        let hop_samples = geometry.hop_samples();
        let num_hops = scene.mics[0].len() / hop_samples;
        let mut samples = vec![0.0; num_mics * hop_samples];
        for pass in 0..=pipeline.learning_passes() {
            for hop in 0..num_hops {
                for (mic, signal) in scene.mics.iter().enumerate() {
                    samples[mic * hop_samples..][..hop_samples]
                        .copy_from_slice(&signal[hop * hop_samples..][..hop_samples]);
                }
                if pass < pipeline.learning_passes() {
                    pipeline.learn_hop(&samples, &controls);
                } else {
                    pipeline.process_hop(&mut samples, &controls);
                }
            }
            if pass < pipeline.learning_passes() {
                pipeline.end_learning_pass();
            }
        }
        let tape = std::mem::take(&mut *tape.lock().unwrap_or_else(PoisonError::into_inner));
        let mut example = Self {
            num_mics,
            num_hops: tape.features.len() / (num_mics * NUM_FEATURES * NUM_BANDS),
            features: tape.features,
            sums: tape.sums,
            bleeds: relation(num_mics, |i, j| {
                i != j
                    && controls.mics[i]
                        .group
                        .is_none_or(|group| controls.mics[j].group != Some(group))
            }),
            one_source: relation(num_mics, |i, j| {
                i != j
                    && controls.mics[i]
                        .group
                        .is_some_and(|group| controls.mics[j].group == Some(group))
            }),
        };
        example.normalise();
        Ok(example)
    }

    /// Scales each mic's sums to mean input power 1, so that no mic counts more for being louder.
    fn normalise(&mut self) {
        let row = NUM_SUMS * NUM_BANDS;
        for mic in 0..self.num_mics {
            let rows = || (0..self.num_hops).map(|hop| (hop * self.num_mics + mic) * row);
            let input: f64 = rows()
                .flat_map(|at| &self.sums[at + 3 * NUM_BANDS..at + row])
                .map(|&power| f64::from(power))
                .sum();
            let scale = self.num_hops as f64 / input.max(1e-12);
            let starts: Vec<usize> = rows().collect();
            for at in starts {
                for sum in &mut self.sums[at..at + row] {
                    *sum = crate::convert::to_f32(f64::from(*sum) * scale);
                }
            }
        }
    }
}

fn relation(num_mics: usize, holds: impl Fn(usize, usize) -> bool) -> Vec<bool> {
    let holds = &holds;
    (0..num_mics).flat_map(|i| (0..num_mics).map(move |j| holds(i, j))).collect()
}

fn controls(scene: &Scene) -> Controls {
    let mut controls = Controls::default();
    for (id, group) in (0_u8..).zip(&scene.info.groups) {
        for &position in group {
            controls.mics[position - 1].group = Some(GroupId(id));
        }
    }
    controls
}

/// The spectra of all hops, `[hop]` of `[mic, bin]`.
fn spectra(signals: &[Vec<f32>], geometry: Geometry) -> Vec<Spectrum> {
    let hop_samples = geometry.hop_samples();
    let mut analysis = Analysis::new(geometry, signals.len());
    let mut samples = vec![0.0; signals.len() * hop_samples];
    let num_hops = signals[0].len() / hop_samples;
    let mut spectra = Vec::with_capacity(num_hops);
    for hop in 0..num_hops {
        for (mic, signal) in signals.iter().enumerate() {
            samples[mic * hop_samples..][..hop_samples]
                .copy_from_slice(&signal[hop * hop_samples..][..hop_samples]);
        }
        let mut spectrum = Spectrum::new(signals.len(), geometry.num_bins());
        analysis.push_hop(&samples, &mut spectrum);
        spectra.push(spectrum);
    }
    spectra
}

#[derive(Debug, Default)]
struct Tape {
    features: Vec<f16>,
    sums: Vec<f32>,
}

/// A guide that writes down what it is shown, beside the truth.
#[derive(Debug)]
struct Recorder {
    inner: Option<NetworkGuide>,
    truth: Arc<Vec<Spectrum>>,
    tape: Arc<Mutex<Tape>>,
    hop: usize,
}

impl Guide for Recorder {
    fn look(&mut self, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        let Some(truth) = self.truth.get(self.hop) else { return false };
        self.hop += 1;
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.features.extend(hop.features.iter().map(|&value| f16::from_f32(value)));
        for mic in 0..hop.active.len() {
            let start = tape.sums.len();
            tape.sums.resize(start + NUM_SUMS * NUM_BANDS, 0.0);
            let sums = &mut tape.sums[start..];
            let bins = hop.cancelled.mic(mic).iter().zip(truth.mic(mic)).zip(hop.mics.mic(mic));
            for (((after, own), before), &band) in bins.zip(hop.band_of_bin) {
                sums[band] += after.norm_sqr();
                sums[NUM_BANDS + band] += (after * own.conj()).re;
                sums[2 * NUM_BANDS + band] += own.norm_sqr();
                sums[3 * NUM_BANDS + band] += before.norm_sqr();
            }
        }
        drop(tape);
        self.inner.as_mut().is_some_and(|inner| inner.look(hop, masks))
    }

    fn reset(&mut self) {
        self.hop = 0;
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        *tape = Tape::default();
        drop(tape);
        if let Some(inner) = &mut self.inner {
            inner.reset();
        }
    }
}

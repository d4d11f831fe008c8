//! Audio of a passage that is being learned, in half the memory of its samples.

use crate::stft::{Analysis, Geometry, Spectrum, Synthesis};

/// Longest stored passage in seconds; the rest is dropped.
const LONGEST_S: f32 = 180.0;
/// Most memory for samples, in bytes.
const MOST_BYTES: usize = 256 << 20;
/// Largest stored value.
const FULL: f32 = 32_767.0;

/// Samples of all mics, stored hop by hop.
///
/// Synthesis turns the spectra of the method into samples, and analysis turns these back into
/// spectra. Every hop of a mic has its own scale, so that 16 bits leave errors 90 dB or more below
/// its peak at any level.
///
/// # Real-time
///
/// Worker only: allocates as it grows, 3 minutes or 256 MiB at most.
#[derive(Debug)]
pub(crate) struct Passage {
    geometry: Geometry,
    num_mics: usize,
    most_hops: usize,
    synthesis: Synthesis,
    /// One hop, `[mic, sample]`.
    samples: Vec<f32>,
    /// Hops of `[mic, sample]`, each in its own allocation, so that growth moves nothing.
    hops: Vec<Box<[i16]>>,
    /// `[hop, mic]`; 0 for a silent hop.
    scales: Vec<f32>,
}

impl Passage {
    pub(crate) fn new(geometry: Geometry, num_mics: usize, rate_hz: f32) -> Self {
        let hop_samples = geometry.hop_samples();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of hops"
        )]
        let longest = (LONGEST_S * rate_hz / hop_samples as f32) as usize;
        let hop_bytes = (num_mics * hop_samples * size_of::<i16>()).max(1);
        Self {
            geometry,
            num_mics,
            most_hops: longest.min(MOST_BYTES / hop_bytes),
            synthesis: Synthesis::new(geometry, num_mics),
            samples: vec![0.0; num_mics * hop_samples],
            hops: Vec::new(),
            scales: Vec::new(),
        }
    }

    /// Returns the number of stored hops.
    pub(crate) fn num_hops(&self) -> usize {
        self.hops.len()
    }

    /// Stores one hop if there is room.
    pub(crate) fn push(&mut self, spectrum: &Spectrum) {
        if self.hops.len() >= self.most_hops {
            return;
        }
        self.synthesis.push_hop(spectrum, &mut self.samples);
        let mut hop = Vec::with_capacity(self.samples.len());
        for samples in self.samples.chunks_exact(self.geometry.hop_samples()) {
            let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            let is_sound = peak.is_normal();
            self.scales.push(if is_sound { peak / FULL } else { 0.0 });
            let scale = if is_sound { FULL / peak } else { 0.0 };
            #[allow(clippy::cast_possible_truncation, reason = "at most the largest number")]
            hop.extend(samples.iter().map(|sample| (sample * scale).round() as i16));
        }
        self.hops.push(hop.into_boxed_slice());
    }

    /// Returns a reader of the hops, from the first one on.
    pub(super) fn reader(&self) -> Reader {
        Reader {
            analysis: Analysis::new(self.geometry, self.num_mics),
            samples: vec![0.0; self.samples.len()],
            hop: 0,
        }
    }
}

/// Reader of a passage.
#[derive(Debug)]
pub(super) struct Reader {
    analysis: Analysis,
    samples: Vec<f32>,
    hop: usize,
}

impl Reader {
    /// Reads the next hop; at the end, returns false and starts again from the beginning.
    pub(super) fn read(&mut self, passage: &Passage, spectrum: &mut Spectrum) -> bool {
        let Some(hop) = passage.hops.get(self.hop) else {
            self.hop = 0;
            self.analysis.reset();
            return false;
        };
        let hop_samples = passage.geometry.hop_samples();
        let scales = &passage.scales[self.hop * passage.num_mics..];
        let stored = hop.chunks_exact(hop_samples).zip(scales);
        for (samples, (stored, &scale)) in self.samples.chunks_exact_mut(hop_samples).zip(stored) {
            for (sample, &stored) in samples.iter_mut().zip(stored) {
                *sample = f32::from(stored) * scale;
            }
        }
        self.hop += 1;
        self.analysis.push_hop(&self.samples, spectrum);
        true
    }

    /// Returns the number of hops read since the beginning.
    pub(super) fn position(&self) -> usize {
        self.hop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;
    use crate::units::SampleRate;

    /// Largest error of 16 bits relative to each hop's peak; measured: 1.6e-5.
    const QUANTISED: f32 = 1e-4;

    #[test]
    fn what_is_read_is_what_was_kept_whatever_its_level() {
        let rate = SampleRate::new(48_000.0).unwrap();
        for mode in [Mode::Live, Mode::Mix] {
            let geometry = mode.geometry(rate);
            let hop = geometry.hop_samples();
            let mut analysis = Analysis::new(geometry, 2);
            let mut passage = Passage::new(geometry, 2, rate.hz());
            let mut spectrum = Spectrum::new(2, geometry.num_bins());
            let mut kept = Vec::new();
            let sample =
                |n: usize, level: f32| level * (n as f32 * 0.37).sin() * (n as f32 * 0.011).cos();
            for at in 0..60 {
                let samples: Vec<f32> = [1.0, 3e-4]
                    .iter()
                    .flat_map(|&level| (at * hop..(at + 1) * hop).map(move |n| sample(n, level)))
                    .collect();
                analysis.push_hop(&samples, &mut spectrum);
                passage.push(&spectrum);
                kept.push(spectrum.clone());
            }
            assert_eq!(passage.num_hops(), 60);
            let delay = passage.synthesis.latency_samples() / hop;
            let mut reader = passage.reader();
            for turn in 0..2 {
                let mut at = 0;
                while reader.read(&passage, &mut spectrum) {
                    // The first windows are incomplete on one side.
                    if at >= delay + geometry.window_samples() / hop {
                        for mic in 0..2 {
                            let was = kept[at - delay].mic(mic);
                            let peak = was.iter().fold(0.0_f32, |peak, x| peak.max(x.norm()));
                            let apart = was.iter().zip(spectrum.mic(mic));
                            let most = apart.fold(0.0_f32, |most, (a, b)| most.max((a - b).norm()));
                            println!("{mode:?} {turn} {at} {mic}: {}", most / peak);
                            assert!(
                                most < QUANTISED * peak,
                                "{mode:?} {at} {mic}: {}",
                                most / peak
                            );
                        }
                    }
                    at += 1;
                }
                assert_eq!(at, 60);
            }
        }
    }

    #[test]
    fn a_passage_that_is_too_long_keeps_its_beginning() {
        let rate = SampleRate::new(8_000.0).unwrap();
        let geometry = Mode::Live.geometry(rate);
        let mut passage = Passage::new(geometry, 1, rate.hz());
        let spectrum = Spectrum::new(1, geometry.num_bins());
        let most = passage.most_hops;
        for _ in 0..most + 10 {
            passage.push(&spectrum);
        }
        assert_eq!(passage.num_hops(), most);
        assert!((most * geometry.hop_samples()) as f32 <= LONGEST_S * rate.hz());
    }
}

//! The plugin's method after Learn has processed the whole session.

use engine::debleed::{Debleed, GuideTrouble, Hop, Online};
use engine::stft::{Geometry, Spectrum};
use engine::{Controls, Estimates};

/// [`Online`] that learns the session in one pass and then processes it with frozen estimates.
#[derive(Debug)]
pub struct Taught {
    online: Online,
    controls: Controls,
    /// Output of the learning pass, which is discarded.
    unused: Spectrum,
}

impl Taught {
    /// Creates the method around `online`, which has not processed anything yet.
    #[must_use]
    pub fn new(online: Online, num_mics: usize) -> Self {
        let unused = Spectrum::new(num_mics, online.geometry().num_bins());
        Self { online, controls: Controls::default(), unused }
    }

    fn controls(&mut self, controls: &Controls, estimates: Estimates) {
        self.controls.clone_from(controls);
        self.controls.estimates = estimates;
    }
}

impl Debleed for Taught {
    fn geometry(&self) -> Geometry {
        self.online.geometry()
    }

    fn lookahead_hops(&self) -> usize {
        self.online.lookahead_hops()
    }

    fn learning_passes(&self) -> usize {
        1
    }

    fn learn_hop(&mut self, spectrum: &Spectrum, controls: &Controls) {
        self.controls(controls, Estimates::Learning);
        // Learning uses the newest hop, whichever hop is cleaned.
        let hop = Hop {
            newest: spectrum,
            newest_controls: &self.controls,
            current: spectrum,
            current_controls: &self.controls,
        };
        self.online.process_hop(&hop, &mut self.unused);
    }

    fn end_learning_pass(&mut self) {
        self.controls.estimates = Estimates::Learned;
        self.online.settle(&self.controls);
        self.online.reset();
    }

    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        self.controls(hop.newest_controls, Estimates::Learned);
        self.online.process_hop(&Hop { newest_controls: &self.controls, ..*hop }, removed);
    }

    fn reset(&mut self) {
        self.online.reset();
    }

    fn crosstalk(&self, target: usize, bleeder: usize) -> Option<f32> {
        self.online.crosstalk(target, bleeder)
    }

    fn guide_trouble(&self) -> Option<GuideTrouble> {
        self.online.guide_trouble()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::pipeline::Pipeline;
    use engine::{Mode, SampleRate};
    use test_signals::Noise;

    const HOPS: usize = 300;

    /// Returns two mics of two sources that play in turns or together, and the second source.
    fn session(length: usize) -> ([Vec<f32>; 2], Vec<f32>) {
        let mut noise = Noise::new(3);
        let mut source = |period: usize| -> Vec<f32> {
            let sounds = |at: usize| (at / period).is_multiple_of(2);
            (0..length).map(|at| if sounds(at) { 0.2 * noise.draw() } else { 0.0 }).collect()
        };
        let (first, second) = (source(7000), source(11_000));
        let heard = |own: &[f32], other: &[f32], gain: f32| {
            own.iter().zip(other).map(|(own, other)| own + gain * other).collect()
        };
        ([heard(&first, &second, 0.3), heard(&second, &first, 0.5)], second)
    }

    /// Returns the SDR of the second mic over the first tenth, in dB.
    fn first_sdr_db(method: Box<dyn Debleed>) -> f64 {
        let mut pipeline = Pipeline::new(method, 2);
        let (hop, latency) = (pipeline.geometry().hop_samples(), pipeline.latency_samples());
        let (mics, truth) = session(HOPS * hop);
        let controls = Controls::default();
        let block = |at: usize| mics.iter().flat_map(move |mic| &mic[at * hop..][..hop]).copied();
        if pipeline.learning_passes() > 0 {
            for at in 0..HOPS {
                pipeline.learn_hop(&block(at).collect::<Vec<_>>(), &controls);
            }
            pipeline.end_learning_pass();
        }
        let mut removed = Vec::new();
        for at in 0..HOPS / 2 {
            let mut block: Vec<f32> = block(at).collect();
            pipeline.process_hop(&mut block, &controls);
            removed.extend_from_slice(&block[hop..]);
        }
        let (mut target, mut error) = (0.0, 0.0);
        for at in 0..HOPS * hop / 10 {
            let out = mics[1][at] - removed[at + latency];
            target += f64::from(truth[at]).powi(2);
            error += f64::from(out - truth[at]).powi(2);
        }
        10.0 * (target / error).log10()
    }

    #[test]
    fn the_first_hops_are_cleaned_with_what_the_whole_session_taught() {
        let rate = SampleRate::new(48_000.0).unwrap();
        let online = || Online::new(rate, Mode::Live, 2);
        let adaptive = first_sdr_db(Box::new(online()));
        let taught = first_sdr_db(Box::new(Taught::new(online(), 2)));
        println!("adaptive {adaptive:.1} dB, taught {taught:.1} dB");
        assert!(taught > adaptive + 3.0, "adaptive {adaptive}, taught {taught}");
    }
}

//! Every processor keeps the six promises, and processors that break one are caught.

use super::*;
use crate::controls::{Controls, Listen};
use crate::debleed::cancel::Guide;
use crate::debleed::chunked::{ChunkSizes, Chunked};
use crate::debleed::kamir::{KamirChunks, KamirConfig};
use crate::debleed::mira::{FastMiraChunks, FastMiraConfig, MiraChunks, MiraConfig};
use crate::debleed::{Cancel, Debleed, Online, Ratio};
use crate::mode::{Mode, Pace};
use crate::network::{NetworkGuide, testing};
use crate::pipeline::Pipeline;
use crate::session::{SessionConfig, SessionMethod};
use crate::stft::{Analysis, Geometry, Spectrum, Synthesis};
use crate::units::SampleRate;

const NUM_MICS: usize = 3;

fn rate() -> SampleRate {
    SampleRate::new(48_000.0).unwrap()
}

/// All methods. Those that work on chunks use short ones.
fn methods() -> Vec<fn() -> Box<dyn Debleed>> {
    let mut methods = masks();
    methods.push(|| Box::new(Online::new(rate(), Mode::Live, NUM_MICS)));
    methods.push(|| Box::new(Online::new(rate(), Mode::Mix, NUM_MICS)));
    methods.push(|| Box::new(Cancel::new(rate(), NUM_MICS)));
    methods.extend(guided());
    methods
}

/// The methods with a network as guide. The network is untrained, so its masks remove a part
/// of everything.
fn guided() -> [fn() -> Box<dyn Debleed>; 3] {
    fn guide() -> Box<dyn Guide> {
        Box::new(NetworkGuide::new(testing::network(), NUM_MICS))
    }
    [
        || Box::new(Online::guided(rate(), Mode::Live, NUM_MICS, &guide)),
        || Box::new(Online::guided(rate(), Mode::Mix, NUM_MICS, &guide)),
        || Box::new(Cancel::guided(rate(), NUM_MICS, &guide)),
    ]
}

/// Methods that divide every bin among the sources, and so remove a part of any noise at once.
fn masks() -> Vec<fn() -> Box<dyn Debleed>> {
    const SIZES: ChunkSizes = ChunkSizes { chunk_hops: 20, overlap_hops: 4 };
    fn geometry() -> Geometry {
        Geometry::new(512, 128, 512).unwrap()
    }
    vec![
        || Box::new(Ratio::new(rate(), Mode::Live)),
        || Box::new(Ratio::new(rate(), Mode::Mix)),
        || {
            let method = KamirChunks { config: KamirConfig::default() };
            Box::new(Chunked::with_sizes(method, geometry(), SIZES, NUM_MICS))
        },
        || {
            let method = MiraChunks { config: MiraConfig::default() };
            Box::new(Chunked::with_sizes(method, geometry(), SIZES, NUM_MICS))
        },
        || {
            let config = FastMiraConfig { num_columns: 16, ..FastMiraConfig::default() };
            let method = FastMiraChunks::new(config);
            Box::new(Chunked::with_sizes(method, geometry(), SIZES, NUM_MICS))
        },
    ]
}

/// Analysis followed by synthesis.
struct Transform {
    geometry: Geometry,
    analysis: Analysis,
    synthesis: Synthesis,
    spectrum: Spectrum,
}

impl Transform {
    fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            analysis: Analysis::new(geometry, NUM_MICS),
            synthesis: Synthesis::new(geometry, NUM_MICS),
            spectrum: Spectrum::new(NUM_MICS, geometry.num_bins()),
        }
    }
}

/// True if a block has [`NUM_MICS`] mics and a whole number of hops.
fn is_whole(mics: &[&mut [f32]], hop: usize) -> bool {
    let length = mics.first().map_or(0, |mic| mic.len());
    mics.len() == NUM_MICS
        && length.is_multiple_of(hop)
        && mics.iter().all(|mic| mic.len() == length)
}

/// Passes every hop of a block to `work`, as `[mic, hop]`, and stores the result in the block.
fn hop_by_hop(mics: &mut [&mut [f32]], hop: usize, mut work: impl FnMut(&mut [f32])) {
    for start in (0..mics[0].len()).step_by(hop) {
        let mut samples: Vec<f32> =
            mics.iter().flat_map(|mic| mic[start..start + hop].to_vec()).collect();
        work(&mut samples);
        for (mic, samples) in mics.iter_mut().zip(samples.chunks(hop)) {
            mic[start..start + hop].copy_from_slice(samples);
        }
    }
}

impl Block for Transform {
    fn num_mics(&self) -> usize {
        NUM_MICS
    }

    fn granule_samples(&self) -> usize {
        self.geometry.hop_samples()
    }

    fn latency_samples(&self) -> usize {
        self.synthesis.latency_samples()
    }

    fn process(&mut self, mics: &mut [&mut [f32]]) -> bool {
        let hop = self.geometry.hop_samples();
        let is_whole = is_whole(mics, hop);
        if is_whole {
            hop_by_hop(mics, hop, |samples| {
                self.analysis.push_hop(samples, &mut self.spectrum);
                self.synthesis.push_hop(&self.spectrum, samples);
            });
        }
        is_whole
    }

    fn reset(&mut self) {
        self.analysis.reset();
        self.synthesis.reset();
    }
}

/// A pipeline, and the delayed mics from which its output is subtracted.
struct Cleaned {
    pipeline: Pipeline,
    /// The last hops, oldest first, `[hop][mic, hop]`.
    dry: Vec<Vec<f32>>,
}

impl Cleaned {
    fn new(method: Box<dyn Debleed>) -> Self {
        Self { pipeline: Pipeline::new(method, NUM_MICS), dry: Vec::new() }
    }
}

impl Block for Cleaned {
    fn num_mics(&self) -> usize {
        NUM_MICS
    }

    fn granule_samples(&self) -> usize {
        self.pipeline.geometry().hop_samples()
    }

    fn latency_samples(&self) -> usize {
        self.pipeline.latency_samples()
    }

    fn process(&mut self, mics: &mut [&mut [f32]]) -> bool {
        let hop = self.granule_samples();
        let is_whole = is_whole(mics, hop);
        let hops_late = self.latency_samples() / hop;
        if is_whole {
            hop_by_hop(mics, hop, |samples| {
                let finite = |&x: &f32| if x.is_finite() { x } else { 0.0 };
                self.dry.push(samples.iter().map(finite).collect());
                self.pipeline.process_hop(samples, &Controls::default());
                let silence = vec![0.0; samples.len()];
                let dry = if self.dry.len() > hops_late { self.dry.remove(0) } else { silence };
                for (sample, dry) in samples.iter_mut().zip(dry) {
                    *sample = dry - *sample;
                }
            });
        }
        is_whole
    }

    fn reset(&mut self) {
        self.pipeline.reset();
        self.dry.clear();
    }
}

fn session(method: Box<dyn Debleed>, controls: &Controls) -> Session {
    let config = SessionConfig {
        rate: rate(),
        num_mics: NUM_MICS,
        mode: Mode::Live,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    Session::prepare(&config, controls, SessionMethod::Any(method)).unwrap()
}

#[test]
fn the_transform_keeps_its_promises() {
    for (window, hop, overlap) in [(2048, 512, 1024), (1024, 256, 1024), (64, 16, 64)] {
        let geometry = Geometry::new(window, hop, overlap).unwrap();
        assert_eq!(check(|| Transform::new(geometry)), Ok(()), "{geometry:?}");
    }
}

#[test]
fn the_pipeline_keeps_its_promises_with_every_method() {
    for method in methods() {
        assert_eq!(check(|| Cleaned::new(method())), Ok(()), "{:?}", method());
    }
}

#[test]
fn the_session_keeps_its_promises_with_every_method() {
    for method in methods() {
        let make = || session(method(), &Controls::default());
        assert_eq!(check(make), Ok(()), "{:?}", method().geometry());
    }
}

#[test]
fn what_is_removed_keeps_all_promises_but_the_impulse() {
    let mut controls = Controls::default();
    for mic in &mut controls.mics {
        mic.listen = Listen::Removed;
    }
    for method in masks().into_iter().chain(guided()) {
        // A lone impulse is no bleed of another mic, so nothing of it is removed.
        let broken = check(|| session(method(), &controls));
        assert!(matches!(broken, Err(Broken::Impulse { value: 0.0, .. })), "{broken:?}");
        let block = session(method(), &controls);
        let stretch = Stretch::new(&block);
        let mut make = || session(method(), &controls);
        let expected = stretch.play(&mut make(), &stretch.noise, &[1000]).unwrap();
        assert!(expected.iter().flatten().any(|x| x.abs() > 0.01), "something is removed");
        assert_eq!(splits(&mut make, &stretch, &expected), Ok(()));
        assert_eq!(resets(&mut make(), &stretch, &expected), Ok(()));
        assert_eq!(silence(&mut make(), &stretch), Ok(()));
        assert_eq!(not_a_number(&mut make, &stretch, &expected), Ok(()));
        assert_eq!(shapes(&mut make(), &stretch, &expected), Ok(()));
    }
}

/// Delay line with one fault.
struct Faulty {
    fault: Fault,
    /// `[sample][mic]`
    past: Vec<[f32; NUM_MICS]>,
    tail: f32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Latency,
    Split,
    Reset,
    Silence,
    Subnormal,
    NotFinite,
    Accepts,
    Damage,
    Refuses,
}

impl Block for Faulty {
    fn num_mics(&self) -> usize {
        NUM_MICS
    }

    fn granule_samples(&self) -> usize {
        1
    }

    fn latency_samples(&self) -> usize {
        if self.fault == Fault::Latency { 101 } else { 100 }
    }

    fn process(&mut self, mics: &mut [&mut [f32]]) -> bool {
        let length = mics.first().map_or(0, |mic| mic.len());
        let is_right = mics.len() == NUM_MICS && mics.iter().all(|mic| mic.len() == length);
        if !is_right {
            if self.fault == Fault::Damage && !mics.is_empty() {
                self.past.truncate(50);
            }
            return self.fault == Fault::Accepts;
        }
        if self.fault == Fault::Refuses && length == 333 {
            return false;
        }
        for n in 0..length {
            let sample = std::array::from_fn(|mic| {
                let x = mics[mic][n];
                if x.is_finite() || self.fault == Fault::NotFinite { x } else { 0.0 }
            });
            self.past.push(sample);
            let late = self.past.len().checked_sub(101);
            let out = late.map_or([0.0; NUM_MICS], |late| self.past[late]);
            for (mic, out) in mics.iter_mut().zip(out) {
                mic[n] = out;
            }
            if self.fault == Fault::Subnormal {
                // A feedback that never decays to zero, as in any recursive filter.
                self.tail = 0.99 * self.tail + 1e-9 * out[0];
                mics[0][n] += self.tail;
            }
            if self.fault == Fault::Silence {
                mics[1][n] += 1e-9;
            }
        }
        if self.fault == Fault::Split {
            mics[0][length - 1] *= 1.0 + f32::EPSILON;
        }
        true
    }

    fn reset(&mut self) {
        if self.fault != Fault::Reset {
            self.past.clear();
            self.tail = 0.0;
        }
    }
}

#[test]
fn a_block_that_breaks_a_promise_is_caught() {
    let checked = |fault| check(|| Faulty { fault, past: Vec::new(), tail: 0.0 });
    assert_eq!(checked(Fault::None), Ok(()));
    assert!(matches!(checked(Fault::Latency), Err(Broken::Impulse { mic: 0, sample: 877, .. })));
    assert!(matches!(checked(Fault::Split), Err(Broken::Split { block_samples: 1, .. })));
    assert!(matches!(checked(Fault::Subnormal), Err(Broken::Subnormal { mic: 0, .. })));
    assert!(matches!(checked(Fault::Silence), Err(Broken::Silence { mic: 1, sample: 0 })));
    assert!(matches!(checked(Fault::NotFinite), Err(Broken::NotFinite { mic: 0, .. })));
    assert!(matches!(checked(Fault::Accepts), Err(Broken::Accepts { num_mics: 0 })));
    assert!(matches!(checked(Fault::Damage), Err(Broken::Damage { .. })));
    assert_eq!(checked(Fault::Refuses), Err(Broken::Refuses));
    // Without a reset the second impulse meets the remains of the first.
    assert!(matches!(checked(Fault::Reset), Err(Broken::Impulse { .. } | Broken::Reset { .. })));
}

//! The audio path of a class whose instance has all mics: passes parameters and host buffers to a
//! session of its own.

use std::sync::Arc;
use std::time::Instant;

use engine::{Controls, Learner, Pace, Session, SessionConfig, SessionError, SessionMethod};
use nice_plug::prelude::{AudioIOLayout, AuxiliaryBuffers, Buffer, ProcessMode};

use super::controls::read_controls;
use super::pace::HostPace;
use super::{flush_subnormals, model_of, pass, rate_of};
use crate::buses::MicMap;
use crate::delay::Delay;
use crate::guard::Activation;
use crate::live::LiveSession;
use crate::params::UnspillParams;

/// Returns the configuration of the session for an activation; `None` at a sample rate that the
/// engine does not support. The mics then pass through unchanged.
fn session_config(
    params: &UnspillParams,
    activation: &Activation,
    num_mics: usize,
) -> Option<SessionConfig> {
    let rate = rate_of(activation)?;
    Some(SessionConfig {
        rate,
        num_mics,
        mode: params.mode.value().into(),
        // A host that prefetches processes ahead of time and in bursts. It must wait for the
        // worker: at real-time pace the worker would be late for all but the first blocks of
        // a burst.
        pace: match activation.process_mode {
            ProcessMode::Realtime => Pace::Realtime,
            ProcessMode::Buffered | ProcessMode::Offline => Pace::Offline,
        },
        max_block_samples: activation.max_block_samples,
    })
}

/// Returns the latency of an activation in samples; real-time safe.
pub(super) fn latency_samples(params: &UnspillParams, activation: &Activation) -> u32 {
    session_config(params, activation, 1).map_or(0, |config| {
        let SessionConfig { rate, mode, pace, max_block_samples, .. } = config;
        u32::try_from(engine::latency_samples(rate, mode, pace, max_block_samples)).unwrap_or(0)
    })
}

/// Prepares a session with the learned estimates and with the model of the saved session. All
/// instances share the model's network.
fn prepare(
    params: &UnspillParams,
    config: &SessionConfig,
    controls: &Controls,
) -> Result<Session, SessionError> {
    let model = params.saved.kept.model().map(|release| &release.model);
    let learned = params.saved.kept.learned();
    Session::prepare(config, controls, SessionMethod::Own { model, learned })
}

/// Function that prepares a session; replaced in tests.
type Prepare = fn(&UnspillParams, &SessionConfig, &Controls) -> Result<Session, SessionError>;

/// A session with its inputs.
#[derive(Debug)]
struct Running {
    config: SessionConfig,
    map: MicMap,
    /// Id and version of its network.
    model: Option<(&'static str, &'static str)>,
    session: Session,
    learner: Arc<Learner>,
    /// Value of [`Learner::num_found`] when the host was last notified.
    num_found: u64,
    /// The controls that the session has received.
    controls: Box<Controls>,
    /// The controls of the current block, sent to the session if they differ.
    fresh: Box<Controls>,
    pace: HostPace,
}

impl Running {
    /// Prepares the same session again for another pace or block length without interrupting the
    /// passage that it learns.
    fn again(self, config: SessionConfig, controls: &Controls) -> Option<Self> {
        let Self { map, model, session, learner, num_found, fresh, pace, .. } = self;
        let session = session.prepare_again(&config, controls).ok()?;
        let controls = Box::new(controls.clone());
        Some(Self { config, map, model, session, learner, num_found, controls, fresh, pace })
    }
}

/// The audio half of one instance.
#[derive(Debug, Default)]
pub(super) struct OwnPath {
    running: Option<Running>,
    /// Fallback if no session could be prepared. It delays the mics by the latency that the host
    /// was given.
    dry: Delay,
}

impl OwnPath {
    /// Prepares for audio.
    ///
    /// With the same configuration as before, this only clears the old audio. With another pace or
    /// block length, the session keeps learning the current passage. Any other change ends the
    /// passage and keeps its estimates.
    ///
    /// Without a session the mics pass through unchanged. At a sample rate that the engine does not
    /// support they have no latency. If no thread can be started they have the latency that the
    /// host was given.
    pub(super) fn activate(
        &mut self,
        params: &UnspillParams,
        layout: &AudioIOLayout,
        activation: &Activation,
    ) {
        self.activate_with(params, layout, activation, prepare);
    }

    fn activate_with(
        &mut self,
        params: &UnspillParams,
        layout: &AudioIOLayout,
        activation: &Activation,
        prepare: Prepare,
    ) {
        // Keeps the estimates that the previous session has learned.
        params.saved.kept.collect(params.learn.value());
        let map = MicMap::new(params.class, layout);
        self.dry = Delay::default();
        let model = model_of(params);
        let mut controls = Box::<Controls>::default();
        read_controls(params, &map, &mut controls);
        let config = session_config(params, activation, map.num_mics());
        let same = |running: &Running| running.map == map && running.model == model;
        self.running = match (self.running.take(), config) {
            (Some(mut running), Some(config)) if same(&running) && running.config == config => {
                running.session.set_controls(&controls);
                running.controls.clone_from(&controls);
                running.session.reset();
                Some(running)
            }
            (before, config) => {
                // The old worker stops before the new one starts.
                let goes_on = |before: &Running, config: SessionConfig| {
                    let SessionConfig { rate, num_mics, mode, .. } = before.config;
                    same(before)
                        && (rate, num_mics, mode) == (config.rate, config.num_mics, config.mode)
                };
                let again = match (before, config) {
                    (Some(before), Some(config)) if goes_on(&before, config) => {
                        before.again(config, &controls)
                    }
                    (before, _) => {
                        if let Some(before) = before {
                            before.session.finish();
                        }
                        None
                    }
                };
                again.or_else(|| {
                    if params.saved.kept.collect(false) {
                        params.saved.kept.has_news();
                    }
                    let config = config?;
                    let session = prepare(params, &config, &controls).ok()?;
                    Some(Running {
                        config,
                        map,
                        model,
                        learner: session.learner(),
                        num_found: 0,
                        session,
                        fresh: controls.clone(),
                        controls,
                        pace: HostPace::default(),
                    })
                })
            }
        };
        if self.running.is_none() {
            let delay_samples = latency_samples(params, activation) as usize;
            self.dry = Delay::new(map.num_mics(), delay_samples);
        }
        let learner = self.running.as_ref().map(|running| Arc::clone(&running.learner));
        params.saved.kept.connect(learner);
    }

    /// Ends the session.
    pub(super) fn end(&mut self) {
        self.running = None;
    }

    /// Returns the data that the editor reads; allocates.
    pub(super) fn live(&self) -> Option<LiveSession> {
        let Running { config, map, model, session, learner, .. } = self.running.as_ref()?;
        Some(LiveSession {
            stats: session.stats(),
            monitor: session.monitor(),
            learner: Arc::clone(learner),
            latency_samples: session.latency_samples(),
            rate_hz: config.rate.hz(),
            pace: config.pace,
            mode: config.mode,
            map: *map,
            model: *model,
        })
    }

    /// Clears all audio; real-time safe.
    pub(super) fn reset(&mut self) {
        self.dry.reset();
        if let Some(running) = &mut self.running {
            running.session.reset();
            running.pace.reset();
        }
    }

    /// Processes one block; real-time safe. The mics pass through if there is no session or if the
    /// session refuses the block.
    pub(super) fn process(
        &mut self,
        params: &UnspillParams,
        layout_map: &MicMap,
        main: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
    ) {
        let Some(running) = &mut self.running else {
            return pass(&mut self.dry, layout_map, main, aux);
        };
        let Running { config, map, session, learner, num_found, controls, fresh, pace, .. } =
            running;
        session.set_pace(if params.block.renders() { Pace::Offline } else { config.pace });
        let block_s = main.samples() as f32 / config.rate.hz();
        session.set_patience(pace.begin(Instant::now(), None, block_s));
        params.follow_learn();
        read_controls(params, map, fresh);
        if fresh != controls {
            session.set_controls(fresh);
            controls.as_mut().clone_from(fresh);
        }
        // Estimates are not saved while the session is learning.
        if !params.learn.value() && *num_found != learner.num_found() {
            *num_found = learner.num_found();
            params.saved.kept.has_news();
        }
        // A refused block stays dry.
        let _ = map.with_mics(main, aux, |mics| {
            mics.iter_mut().for_each(|mic| flush_subnormals(mic));
            session.process(mics)
        });
        pace.end(Instant::now(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{Class, Unspill8, UnspillMultichannel};
    use crate::testing::set_by_id;

    #[test]
    fn the_latency_told_is_the_sessions_own() {
        for mode in ["Live", "Mix"] {
            let params = UnspillParams::new(&Unspill8::DESC);
            set_by_id(&params, "mode", mode);
            for process_mode in [ProcessMode::Realtime, ProcessMode::Buffered, ProcessMode::Offline]
            {
                let activation =
                    Activation { process_mode, max_block_samples: 4096, ..Activation::default() };
                let mut path = OwnPath::default();
                path.activate(&params, &Unspill8::DESC.layouts[0], &activation);
                let session =
                    path.running.as_ref().map(|running| running.session.latency_samples());
                let told = latency_samples(&params, &activation) as usize;
                assert_eq!(session, Some(told), "{mode} {process_mode:?}");
            }
        }
    }

    #[test]
    fn a_prefetching_host_is_waited_for() {
        let params = UnspillParams::new(&Unspill8::DESC);
        let pace = |process_mode| {
            let activation = Activation { process_mode, ..Activation::default() };
            session_config(&params, &activation, 8).map(|config| config.pace)
        };
        assert_eq!(pace(ProcessMode::Realtime), Some(Pace::Realtime));
        assert_eq!(pace(ProcessMode::Buffered), Some(Pace::Offline));
        assert_eq!(pace(ProcessMode::Offline), Some(Pace::Offline));
    }

    #[test]
    fn the_same_set_up_keeps_the_session_and_another_does_not() {
        let params = UnspillParams::new(&Unspill8::DESC);
        let layout = &Unspill8::DESC.layouts[0];
        let mut path = OwnPath::default();
        let mut stats_after = |activation: &Activation| {
            path.activate(&params, layout, activation);
            path.running.as_ref().map(|running| running.session.stats()).unwrap()
        };
        // Kept alive so that no later session can allocate its counters at the same address.
        let first = stats_after(&Activation::default());
        assert!(Arc::ptr_eq(&stats_after(&Activation::default()), &first));
        set_by_id(&params, "mode", "Mix");
        assert!(!Arc::ptr_eq(&stats_after(&Activation::default()), &first));
    }

    #[test]
    fn eight_instances_share_one_network() {
        let params = UnspillParams::new(&Unspill8::DESC);
        let activation = Activation { process_mode: ProcessMode::Offline, ..Activation::default() };
        let model = &models::released().unwrap().model;
        let mut paths: Vec<OwnPath> = (0..8).map(|_| OwnPath::default()).collect();
        let mut built = 0;
        for (index, path) in paths.iter_mut().enumerate() {
            path.activate(&params, &Unspill8::DESC.layouts[0], &activation);
            let session = &mut path.running.as_mut().unwrap().session;
            // Long enough for the worker to process hops.
            let mut mics = vec![vec![0.5; 4096]; 8];
            let mut slices: Vec<&mut [f32]> = mics.iter_mut().map(Vec::as_mut_slice).collect();
            session.process(&mut slices).unwrap();
            // After the first instance the network is always in use.
            if index == 0 {
                built = model.times_built();
                assert!(built > 0, "nobody asked the network");
            }
        }
        assert_eq!(model.times_built(), built);
    }

    /// Returns the output of two mics with these samples, processed block by block.
    #[allow(unsafe_code, reason = "the framework's buffers are built from raw slices")]
    fn heard(path: &mut OwnPath, params: &UnspillParams, mics: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
        let map = MicMap::new(params.class, &params.class.layouts[1]);
        let mut heard = mics.clone();
        let [left, right] = &mut heard;
        for (left, right) in left.chunks_mut(64).zip(right.chunks_mut(64)) {
            let mut main = Buffer::default();
            // SAFETY: both slices have this length and outlive the buffer.
            unsafe { main.set_slices(left.len(), |slices| *slices = vec![left, right]) };
            let mut aux = AuxiliaryBuffers { inputs: &mut [], outputs: &mut [] };
            path.process(params, &map, &mut main, &mut aux);
        }
        heard
    }

    #[test]
    fn a_host_that_renders_without_telling_is_waited_for() {
        let params = UnspillParams::new(&UnspillMultichannel::DESC);
        let activation = Activation { max_block_samples: 64, ..Activation::default() };
        let mut path = OwnPath::default();
        path.activate(&params, &params.class.layouts[1], &activation);
        let stats = path.running.as_ref().unwrap().session.stats();
        let late = || stats.late_hops() + stats.lost_hops();
        let second = |seed| test_signals::Noise::new(seed).samples(48_000, 0.2);
        // The first blocks do not yet tell that the host renders.
        heard(&mut path, &params, &[second(1), second(2)]);
        let before = late();
        heard(&mut path, &params, &[second(3), second(4)]);
        heard(&mut path, &params, &[second(5), second(6)]);
        assert_eq!(late(), before);
        assert!(before < 20, "{before} hops, of which the first tenth of a second has 10");
    }

    #[test]
    fn without_a_worker_mics_are_as_late_as_the_host_was_told() {
        let params = UnspillParams::new(&UnspillMultichannel::DESC);
        let activation = Activation { max_block_samples: 64, ..Activation::default() };
        let mut path = OwnPath::default();
        path.activate_with(&params, &params.class.layouts[1], &activation, |_, _, _| {
            Err(SessionError::Thread { kind: std::io::ErrorKind::OutOfMemory })
        });
        assert!(path.live().is_none());
        let latency = latency_samples(&params, &activation) as usize;
        assert!(latency > 0);
        let mics = [1.0, 2.0].map(|level| -> Vec<f32> {
            (0..2 * latency).map(|at| level + at as f32 / 8192.0).collect()
        });
        for (heard, sent) in heard(&mut path, &params, &mics).iter().zip(&mics) {
            assert!(heard[..latency].iter().all(|&sample| sample == 0.0), "early");
            assert_eq!(heard[latency..], sent[..latency]);
        }
        // At a rate that the engine does not support, the reported latency is 0.
        let activation = Activation { sample_rate_hz: 768_000.0, ..activation };
        path.activate(&params, &params.class.layouts[1], &activation);
        assert_eq!(latency_samples(&params, &activation), 0);
        assert_eq!(heard(&mut path, &params, &mics), mics);
    }
}

//! The audio path of a linked instance: passes its track to the session of all tracks.

use std::sync::Arc;
use std::time::Instant;

use engine::network::Model;
use engine::{Controls, Pace, SampleRate};
use link::{JoinError, Kept, Member, MemberConfig, MicSettings, Stamp, Timing, Watcher};
use nice_plug::prelude::{AudioIOLayout, AuxiliaryBuffers, Buffer, Enum, ProcessMode};

use super::clock::Clock;
use super::controls::{SIDES, read_controls};
use super::pace::HostPace;
use super::{flush_subnormals, model_of, pass, rate_of};
use crate::buses::MicMap;
use crate::console::LinkConsole;
use crate::delay::Delay;
use crate::guard::Activation;
use crate::linking;
use crate::live::LiveSession;
use crate::params::UnspillParams;

/// Properties that a member keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Config {
    rate: SampleRate,
    mode: engine::Mode,
    num_mics: usize,
    max_block_samples: usize,
    session: u8,
}

impl Config {
    /// Returns the configuration for an activation; `None` at a sample rate that the engine does
    /// not support.
    fn new(params: &UnspillParams, activation: &Activation, num_mics: usize) -> Option<Self> {
        let rate = rate_of(activation)?;
        let session = params.session.as_ref().map_or(0, |session| session.value().to_index());
        Some(Self {
            rate,
            mode: params.mode.value().into(),
            num_mics,
            max_block_samples: activation.max_block_samples,
            session: u8::try_from(session).unwrap_or(0),
        })
    }

    fn timing(&self) -> Timing {
        Timing::new(self.rate, self.mode, self.max_block_samples)
    }
}

/// Returns the latency of an activation in samples; real-time safe.
pub(super) fn latency_samples(params: &UnspillParams, activation: &Activation) -> u32 {
    Config::new(params, activation, 1)
        .and_then(|config| u32::try_from(config.timing().latency_samples).ok())
        .unwrap_or(0)
}

/// A member with its inputs.
#[derive(Debug)]
struct Running {
    config: Config,
    map: MicMap,
    /// Id and version of the network.
    model: Option<(&'static str, &'static str)>,
    member: Member,
    /// True if the host has announced at activation that it processes ahead of time or renders.
    waits: bool,
    /// The controls that the member has received.
    controls: Box<Controls>,
    /// The controls of the current block, sent to the member if they differ.
    fresh: Box<Controls>,
}

/// The audio half of a linked instance.
#[derive(Debug)]
pub(super) struct LinkedPath {
    console: Arc<LinkConsole>,
    running: Option<Running>,
    /// Keeps the track's sound until the instance ends, for tracks that are rendered alone.
    _kept: Kept,
    clock: Clock,
    pace: HostPace,
    /// Fallback without a member. It delays the track by the latency that the host was given.
    dry: Delay,
    /// Reason why there is no member.
    trouble: Option<String>,
}

impl LinkedPath {
    /// Creates the path of an instance that is not linked yet.
    pub(super) fn new(console: LinkConsole) -> Self {
        let console = Arc::new(console);
        Self {
            _kept: Kept::new(console.clone()),
            console,
            running: None,
            clock: Clock::default(),
            pace: HostPace::default(),
            dry: Delay::default(),
            trouble: None,
        }
    }

    /// Prepares for audio: see [`AudioPath::activate`](super::AudioPath::activate).
    pub(super) fn activate(
        &mut self,
        params: &UnspillParams,
        layout: &AudioIOLayout,
        activation: &Activation,
    ) {
        let map = MicMap::new(params.class, layout);
        let config = Config::new(params, activation, map.num_mics());
        let model = model_of(params);
        let mut controls = Box::<Controls>::default();
        read_controls(params, &map, &mut controls);
        self.clock.reset();
        self.pace.reset();
        self.dry = Delay::default();
        self.trouble = None;
        let waits = activation.process_mode != ProcessMode::Realtime;
        let same = |running: &Running, config: Config| {
            (running.map, running.model, running.config) == (map, model, config)
        };
        self.running = match (self.running.take(), config) {
            (Some(mut running), Some(config)) if same(&running, config) => {
                running.waits = waits;
                running.member.set_controls(&controls);
                running.controls.clone_from(&controls);
                running.member.reset();
                Some(running)
            }
            (before, config) => {
                // The instance leaves before it joins again.
                drop(before);
                config.and_then(|config| {
                    let network = params.saved.kept.model().map(|release| &release.model);
                    match join(&config, network, &controls, Arc::clone(&self.console)) {
                        Ok(member) => {
                            let fresh = controls.clone();
                            Some(Running { config, map, model, member, waits, controls, fresh })
                        }
                        Err(error) => {
                            self.trouble = Some(error.to_string());
                            None
                        }
                    }
                })
            }
        };
        if self.running.is_none() {
            let delay_samples = latency_samples(params, activation) as usize;
            self.dry = Delay::new(map.num_mics(), delay_samples);
        }
    }

    /// Leaves the session.
    pub(super) fn end(&mut self) {
        self.running = None;
    }

    /// Returns the reason why the instance is not linked, if it cannot be.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Returns the data that the editor reads; allocates.
    pub(super) fn live(&self) -> Option<LiveSession> {
        let Running { config, map, model, member, waits, .. } = self.running.as_ref()?;
        Some(LiveSession {
            stats: member.stats(),
            monitor: member.monitor(),
            learner: member.watcher().learner(),
            latency_samples: member.latency_samples(),
            rate_hz: config.rate.hz(),
            pace: if *waits { Pace::Offline } else { Pace::Realtime },
            mode: config.mode,
            map: *map,
            model: *model,
        })
    }

    /// Returns the view of all tracks, if the instance is linked.
    pub(super) fn watcher(&self) -> Option<Watcher> {
        self.running.as_ref().map(|running| running.member.watcher())
    }

    /// Clears all audio; real-time safe.
    pub(super) fn reset(&mut self) {
        self.dry.reset();
        self.clock.reset();
        self.pace.reset();
        if let Some(running) = &mut self.running {
            running.member.reset();
        }
    }

    /// Processes one block; real-time safe.
    pub(super) fn process(
        &mut self,
        params: &UnspillParams,
        layout_map: &MicMap,
        main: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
    ) {
        let Some(Running { config, map, member, waits, controls, fresh, .. }) = &mut self.running
        else {
            return pass(&mut self.dry, layout_map, main, aux);
        };
        params.follow_learn();
        read_controls(params, map, fresh);
        if fresh != controls {
            member.set_controls(fresh);
            controls.as_mut().clone_from(fresh);
        }
        let num_samples = main.samples();
        let place = self.clock.place(&params.block.time(), num_samples);
        let block_s = num_samples as f32 / config.rate.hz();
        let wait = self.pace.begin(Instant::now(), place, block_s);
        let tells = *waits || params.block.renders();
        member.set_patience(wait.filter(|_| !tells));
        let is_offline = tells || wait.is_some();
        let stamp = Stamp { place, is_offline, settings: settings(fresh) };
        // A refused block stays dry.
        let _ = map.with_mics(main, aux, |mics| {
            mics.iter_mut().for_each(|mic| flush_subnormals(mic));
            member.process(mics, &stamp)
        });
        self.pace.end(Instant::now(), self.clock.next());
    }
}

/// Returns the settings that the worker applies to the track's mics. The worker itself makes the
/// sides of a stereo track a group.
fn settings(controls: &Controls) -> MicSettings {
    let mic = &controls.mics[0];
    MicSettings {
        role: mic.role,
        group: mic.group.filter(|&group| group != SIDES),
        floor: mic.floor,
    }
}

/// Joins the session of this user's other instances.
fn join(
    config: &Config,
    model: Option<&Model>,
    controls: &Controls,
    console: Arc<LinkConsole>,
) -> Result<Member, JoinError> {
    let &Config { rate, mode, num_mics, max_block_samples, session } = config;
    let folder = linking::folder()?;
    let config = MemberConfig { rate, mode, num_mics, max_block_samples, session, model };
    Member::join(&config, controls, &folder, console)
}

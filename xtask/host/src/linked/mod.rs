//! A session of linked instances: one on each track, called in the orders of real hosts.

pub mod faults;
mod files;
mod lane;
pub mod remote;
mod rounds;
mod transport;

pub(crate) use files::render_linked;
pub use lane::Played;

use anyhow::{Context, Result, ensure};

use crate::bundle::Bundle;
use crate::model::{AudioConfig, RenderMode};
use crate::pattern::BlockPattern;
use crate::plugin::Plugin;
use crate::render::{Clock, activate};
use crate::shape::Class;
use lane::Lane;
use transport::Transport;

/// The order in which a host calls its tracks in each period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// One after the other, in the order in which they were added.
    #[default]
    Added,
    /// One after the other: first those with these numbers, then the others.
    Serial(Vec<usize>),
    /// One after the other, in another order each time, reproducible by the seed.
    Random(u64),
    /// On this number of threads, each of which takes the next track.
    Threads(usize),
}

/// Options of linked tracks that a whole playback has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedPlay {
    /// Order of the calls.
    pub order: Order,
    /// Samples by which every second track is processed before the others.
    pub ahead_samples: usize,
}

/// The settings of a session.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Playback or bounce.
    pub mode: RenderMode,
    /// Largest speed as a multiple of real time; `None` for no limit.
    pub pace: Option<f64>,
    /// Longest block in samples, as announced to all instances.
    pub max_block_samples: usize,
    /// Samples that one track plays before the turn of the next one; by default one block.
    pub period_samples: Option<usize>,
    /// Order of the calls in a period.
    pub order: Order,
    /// True if inputs and outputs share memory.
    pub in_place: bool,
}

impl SessionConfig {
    /// Creates an offline bounce in blocks of up to `max_block_samples`, track by track.
    #[must_use]
    pub fn new(rate_hz: u32, max_block_samples: usize) -> Self {
        Self {
            rate_hz,
            mode: RenderMode::Offline,
            pace: None,
            max_block_samples,
            period_samples: None,
            order: Order::Added,
            in_place: false,
        }
    }
}

/// The settings of a new track.
#[derive(Clone, Debug)]
pub struct TrackConfig {
    /// Lengths of its blocks; the end of a period, a jump and the longest block cut them.
    pub pattern: BlockPattern,
    /// Samples by which the host processes this track before the others.
    pub ahead_samples: usize,
    /// State to load, such as that of another track.
    pub state: Option<Vec<u8>>,
    /// Parameters to set before activation: name or id, and the value as a text.
    pub params: Vec<(String, String)>,
}

impl Default for TrackConfig {
    /// Returns the settings of a new instance with the longest blocks.
    fn default() -> Self {
        Self {
            pattern: BlockPattern::Fixed(usize::MAX),
            ahead_samples: 0,
            state: None,
            params: Vec::new(),
        }
    }
}

/// One track of a session.
struct Track {
    /// `None` after its removal.
    plugin: Option<Plugin>,
    latency_samples: usize,
    is_asleep: bool,
    lane: Lane,
}

/// Tracks with linked instances, and the transport of their host.
///
/// Tracks have the numbers 0, 1, 2 in the order in which they were added. A track's signal lies on
/// the timeline, which jumps when the transport does. All methods belong on one thread, the main
/// thread of the instances.
pub struct Session {
    config: SessionConfig,
    transport: Transport,
    tracks: Vec<Track>,
    /// Steady count of the next period.
    at: i64,
    /// Begins with the first playback.
    clock: Option<Clock>,
    /// State of the random order.
    seed: u64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("config", &self.config)
            .field("at", &self.at)
            .field("num_tracks", &self.tracks.len())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Creates a session without tracks, whose transport will play from position 0.
    #[must_use]
    pub fn new(config: SessionConfig) -> Self {
        let seed = if let Order::Random(seed) = config.order { seed } else { 0 };
        let transport = Transport::new();
        Self { config, transport, tracks: Vec::new(), at: 0, clock: None, seed }
    }

    /// Adds a track that plays from now on, and returns its number. The sample 0 of `signal`
    /// (`[channel][sample]`, mono or stereo) lies at position 0 of the timeline.
    ///
    /// # Errors
    ///
    /// If the bundle has no linked class, or the plugin refuses an argument.
    pub fn add(
        &mut self,
        bundle: &Bundle,
        track: &TrackConfig,
        signal: Vec<Vec<f32>>,
    ) -> Result<usize> {
        let SessionConfig { rate_hz, mode, max_block_samples, in_place, .. } = self.config;
        let shape = Class::Link.shape_for(&[signal.len()])?;
        let mut plugin = bundle.instantiate(bundle.class_named(Class::Link.name())?)?;
        plugin.select_channels(&shape.inputs, &shape.outputs)?;
        if let Some(state) = &track.state {
            plugin.load_state(state)?;
        }
        for (name, text) in &track.params {
            let param = plugin.param(name)?;
            plugin.set_param_text(param.id, text)?;
        }
        let config = AudioConfig { rate_hz: f64::from(rate_hz), max_block_samples, mode };
        let activation = activate(&mut plugin, config)?;
        let ahead = i64::try_from(track.ahead_samples)?;
        let (rate_hz, at) = (config.rate_hz, self.at + if self.at > 0 { ahead } else { 0 });
        let mut lane = Lane::new(signal, track.pattern, max_block_samples, rate_hz, at);
        lane.ahead = ahead;
        self.tracks.push(Track {
            plugin: Some(plugin),
            latency_samples: activation.latency_samples,
            is_asleep: false,
            lane: lane.in_place(in_place),
        });
        Ok(self.tracks.len() - 1)
    }

    /// Adds a copy of a track with the state of its plugin and another signal.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), or if the track has no plugin any more.
    pub fn duplicate(
        &mut self,
        bundle: &Bundle,
        track: usize,
        signal: Vec<Vec<f32>>,
    ) -> Result<usize> {
        let state = Some(self.plugin(track)?.save_state()?);
        self.add(bundle, &TrackConfig { state, ..TrackConfig::default() }, signal)
    }

    /// Returns the plugin of a track.
    ///
    /// # Errors
    ///
    /// If there is no such track, or its plugin was removed.
    pub fn plugin(&mut self, track: usize) -> Result<&mut Plugin> {
        let found = self.tracks.get_mut(track).and_then(|track| track.plugin.as_mut());
        found.with_context(|| format!("no plugin on track {track}"))
    }

    /// Sets a parameter of a track from a text, with its next block.
    ///
    /// # Errors
    ///
    /// If there is no such plugin or parameter, or the text cannot be parsed.
    pub fn set(&mut self, track: usize, name: &str, text: &str) -> Result<()> {
        let plugin = self.plugin(track)?;
        let id = plugin.param(name)?.id;
        plugin.set_param_text(id, text)
    }

    /// Removes the plugin of a track; the samples that it played stay.
    ///
    /// # Errors
    ///
    /// If there is no such plugin, or it refuses to stop.
    pub fn remove(&mut self, track: usize) -> Result<()> {
        self.plugin(track)?.deactivate()?;
        self.tracks[track].plugin = None;
        Ok(())
    }

    /// Stops the calls of a track, or begins them again, as hosts do for silent or frozen tracks.
    ///
    /// # Errors
    ///
    /// If there is no such plugin.
    pub fn put_to_sleep(&mut self, track: usize, is_asleep: bool) -> Result<()> {
        self.plugin(track)?;
        self.tracks[track].is_asleep = is_asleep;
        Ok(())
    }

    /// Moves the transport to a position on the timeline and plays from there. Tracks that are
    /// ahead have processed some samples already, so the jump comes after these.
    pub fn seek(&mut self, timeline: i64) {
        self.transport.change(self.change_at(), Some(timeline));
    }

    /// Stops the transport; the tracks are called on with silence, at the same time as a jump.
    pub fn stop(&mut self) {
        self.transport.change(self.change_at(), None);
    }

    fn change_at(&self) -> i64 {
        self.tracks.iter().map(|track| track.lane.at).max().unwrap_or(0).max(self.at)
    }

    /// Returns the latency of a track's plugin at its activation, in samples.
    ///
    /// # Errors
    ///
    /// If there is no such track.
    pub fn latency_samples(&self, track: usize) -> Result<usize> {
        let track = self.tracks.get(track).context("no such track")?;
        Ok(track.latency_samples)
    }

    /// Returns the samples of a track since the last call.
    ///
    /// # Errors
    ///
    /// If there is no such track.
    pub fn take(&mut self, track: usize) -> Result<Played> {
        Ok(self.tracks.get_mut(track).context("no such track")?.lane.take())
    }

    /// Checks that no plugin has changed its latency since the activation.
    ///
    /// # Errors
    ///
    /// If one has.
    pub fn check_latencies(&self) -> Result<()> {
        for (number, track) in self.tracks.iter().enumerate() {
            let Some(plugin) = &track.plugin else { continue };
            let (now, before) = (plugin.latency_samples()?, track.latency_samples);
            ensure!(now == before, "track {number}: the latency changed from {before} to {now}");
        }
        Ok(())
    }
}

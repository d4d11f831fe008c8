//! The state of the session: names of the mics, and snapshots per strip, smoothed for meters.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use egui::{Color32, Context};
use engine::snapshot::MicLevels;
use engine::{GuideTrouble, Snapshot};
use nice_plug::prelude::Enum;

use super::spectra::Spectra;
use super::theme;
use super::tracks::Tracks;
use crate::daw::Daw;
use crate::live::{Live, LiveSession};
use crate::names::mic_name;
use crate::params::{Instrument, UnspillParams};

/// Decay rate of a peak.
const PEAK_FALLS_DB_PER_S: f32 = 20.0;
/// Hold time of a peak.
const PEAK_HELD_S: f32 = 1.2;
/// Averaging time of a level.
const LEVEL_S: f32 = 0.3;
/// Averaging time of a displayed crosstalk.
const CROSSTALK_S: f32 = 0.5;
/// Lowest level of meters.
pub(super) const LOWEST_DB: f32 = -60.0;
/// Power below which a signal counts as silence.
const SILENT_POWER: f32 = 1e-9;
/// Time of the last windows in which quiet parts are found.
const QUIET_MEMORY_S: f32 = 20.0;
/// Length of such a window: about one note of fast music.
const WINDOW_S: f32 = 0.05;
/// Least number of windows with sound.
const FEWEST_WINDOWS: usize = 40;
/// Share of the windows with sound that counts as the quiet parts.
const QUIET_SHARE: f32 = 0.25;
/// Power of a window with sound, relative to the loudest window: -70 dB.
const SOUND: f32 = 1e-7;
/// Display time of a late hop, or of a hop without a result of the network.
const LATE_SHOWN_S: f32 = 4.0;
/// Share of the settled pairs of mics from which on the bleed map counts as known.
pub(super) const READY: f32 = 0.8;
/// Interval between measurements of the load.
const LOAD_S: f32 = 0.5;

/// A level meter, in decibels of full scale.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    power: f32,
    peak: f32,
    held_s: f32,
}

impl Meter {
    fn hear(&mut self, peak: f32, power: f32, hop_s: f32) {
        self.power += (hop_s / LEVEL_S).min(1.0) * (power - self.power);
        if peak >= self.peak {
            (self.peak, self.held_s) = (peak, 0.0);
        } else {
            self.held_s += hop_s;
            if self.held_s > PEAK_HELD_S {
                self.peak *= 10.0_f32.powf(-PEAK_FALLS_DB_PER_S * hop_s / 20.0);
            }
        }
    }

    pub(super) fn rms_db(&self) -> f32 {
        10.0 * self.power.max(1e-12).log10()
    }

    pub(super) fn peak_db(&self) -> f32 {
        20.0 * self.peak.max(1e-6).log10()
    }
}

/// Powers of a mic before and after cleaning in the last seconds, by window.
#[derive(Clone, Debug, Default)]
struct Windows {
    /// Input and clean power.
    past: VecDeque<[f32; 2]>,
    filling: [f32; 2],
    filled_s: f32,
    /// Change of the level in the quiet parts, in decibels.
    change_db: Option<f32>,
}

impl Windows {
    fn hear(&mut self, powers: [f32; 2], hop_s: f32) {
        for (sum, power) in self.filling.iter_mut().zip(powers) {
            *sum += power * hop_s;
        }
        self.filled_s += hop_s;
        if self.filled_s < WINDOW_S {
            return;
        }
        self.past.push_back(self.filling.map(|sum| sum / self.filled_s));
        (self.filling, self.filled_s) = ([0.0; 2], 0.0);
        if self.past.len() as f32 * WINDOW_S > QUIET_MEMORY_S {
            self.past.pop_front();
        }
        self.change_db = self.measure();
    }

    /// Returns the change in the quarter of the windows with the least sound. Only the input
    /// chooses them.
    fn measure(&self) -> Option<f32> {
        let loudest = self.past.iter().map(|[input, _]| *input).fold(0.0, f32::max);
        let least = (SOUND * loudest).max(SILENT_POWER);
        let mut sounding: Vec<[f32; 2]> =
            self.past.iter().copied().filter(|[input, _]| *input > least).collect();
        if sounding.len() < FEWEST_WINDOWS {
            return None;
        }
        sounding.sort_by(|a, b| a[0].total_cmp(&b[0]));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let num_quiet = (sounding.len() as f32 * QUIET_SHARE).ceil() as usize;
        let [input, clean] = sounding[..num_quiet]
            .iter()
            .fold([0.0; 2], |sums: [f32; 2], window| [sums[0] + window[0], sums[1] + window[1]]);
        Some((10.0 * (clean.max(1e-12) / input).log10()).clamp(LOWEST_DB, 0.0))
    }
}

/// The levels of one strip.
#[derive(Clone, Debug, Default)]
pub(super) struct StripLevels {
    pub(super) input: Meter,
    pub(super) output: Meter,
    clean: Meter,
    windows: Windows,
}

impl StripLevels {
    /// Returns the change of the level in the quiet parts of the last seconds in decibels, 0 or
    /// less. Most of the sound there is bleed if the mic's own source rests at times; a source that
    /// never rests makes the change smaller. `None` until two seconds with sound are known.
    pub(super) fn quiet_change_db(&self) -> Option<f32> {
        self.windows.change_db
    }

    /// Returns the reduction of the strip in decibels, 0 or less.
    pub(super) fn reduction_db(&self) -> f32 {
        if self.input.power < SILENT_POWER {
            return 0.0;
        }
        (self.clean.rms_db() - self.input.rms_db()).clamp(LOWEST_DB, 0.0)
    }
}

/// The worker's condition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    /// Fraction of the available time that the worker uses.
    pub(super) load: f32,
    /// Late and lost hops, whose output is dry, since the session was prepared.
    pub(super) late_hops: u64,
    /// Time that was played unchanged since the session was prepared or the user has seen it.
    pub(super) late_s: f32,
    /// True if there was a late hop within the last seconds.
    pub(super) is_late: bool,
    pub(super) failed: bool,
}

/// The editor's picture of the session.
#[derive(Debug)]
pub(super) struct Scene {
    params: Arc<UnspillParams>,
    /// The linked tracks whose table `params` is.
    tracks: Option<Arc<Tracks>>,
    /// Parameters of the instance: the same as `params`, but for a window of linked tracks.
    own: Arc<UnspillParams>,
    live: Arc<Live>,
    session: Option<LiveSession>,
    /// The worker's mics of each strip.
    mics: Vec<Range<usize>>,
    pub(super) strips: Vec<StripLevels>,
    /// `[target, bleeder]` over strips, power ratios; 0 if unknown.
    crosstalk: Vec<f32>,
    pub(super) settled: f32,
    /// Two strips that carry the same sound.
    pub(super) twins: Option<[usize; 2]>,
    /// Why the network gave no result, and the time of the last occurrence.
    trouble: Option<(GuideTrouble, Instant)>,
    pub(super) health: Health,
    last_snapshot_s: Option<f64>,
    load_since: (Instant, u64, f64),
    late_since: (u64, Option<Instant>),
    /// Late hops that the user has seen.
    late_seen: u64,
}

impl Scene {
    pub(super) fn new(
        own: &Arc<UnspillParams>,
        live: &Arc<Live>,
        tracks: Option<&Arc<Tracks>>,
    ) -> Self {
        let params = tracks.map_or(own, |tracks| tracks.table());
        let num_strips = params.class.num_strips;
        Self {
            params: Arc::clone(params),
            tracks: tracks.cloned(),
            own: Arc::clone(own),
            live: Arc::clone(live),
            session: None,
            mics: vec![0..0; num_strips],
            strips: vec![StripLevels::default(); num_strips],
            crosstalk: vec![0.0; num_strips * num_strips],
            settled: 0.0,
            twins: None,
            trouble: None,
            health: Health::default(),
            last_snapshot_s: None,
            load_since: (Instant::now(), 0, 0.0),
            late_since: (0, None),
            late_seen: 0,
        }
    }

    /// Counts late hops anew from now on.
    pub(super) fn forgive_late(&mut self) {
        self.late_seen = self.health.late_hops;
        self.health.late_s = 0.0;
    }

    /// Stops watching the session when the window closes.
    pub(super) fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.monitor.watch(None);
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.strips.fill_with(StripLevels::default);
        self.crosstalk.fill(0.0);
        self.settled = 0.0;
        self.twins = None;
        self.trouble = None;
        self.health = Health::default();
        self.last_snapshot_s = None;
    }

    /// Reads all snapshots since the last picture, and updates the spectra of the selected strip.
    pub(super) fn poll(
        &mut self,
        selected: usize,
        spectra: &mut Spectra,
        time_s: f64,
        context: &Context,
    ) {
        if let Some(tracks) = &self.tracks {
            tracks.poll().into_iter().for_each(|strip| spectra.forget(strip));
        }
        let current = self.live.session();
        let same = |a: &LiveSession, b: &LiveSession| Arc::ptr_eq(&a.monitor, &b.monitor);
        let unchanged = match (&self.session, &current) {
            (Some(before), Some(now)) => same(before, now),
            (None, None) => true,
            _ => false,
        };
        if !unchanged {
            if let Some(before) = self.session.take() {
                before.monitor.watch(None);
            }
            self.forget();
            spectra.forget_curves();
            if let Some(session) = &current {
                let stats = &session.stats;
                self.load_since = (Instant::now(), stats.hops(), stats.busy_s());
                let late = stats.late_hops() + stats.lost_hops();
                self.late_since = (late, None);
                self.late_seen = late;
            }
        }
        self.session = current;
        let Some(session) = self.session.clone() else { return };
        self.mics = (0..self.strips.len())
            .map(|strip| match &self.tracks {
                Some(tracks) => tracks.mics_of(strip),
                None => session.map.mics_of(strip),
            })
            .collect();
        spectra.choose(selected);
        let mics = self.mics[selected].clone();
        session.monitor.watch((!mics.is_empty()).then_some(mics.start));
        while let Some(snapshot) = session.monitor.take() {
            self.hear(&snapshot, &session);
            // Silence in all mics is a pause: the pictures of the music stay.
            if snapshot.mics.iter().any(|mic| mic.input_peak > 0.0) {
                self.record(&snapshot, selected, spectra, session.monitor.hop_s());
            }
            session.monitor.give_back(snapshot);
            self.last_snapshot_s = Some(time_s);
        }
        spectra.upload(context);
        self.look_after(&session);
    }

    /// Adds the spectra of a hop.
    fn record(&self, snapshot: &Snapshot, selected: usize, spectra: &mut Spectra, hop_s: f32) {
        for (strip, mics) in self.mics.iter().enumerate() {
            let column = snapshot.columns.get(mics.start).filter(|_| !mics.is_empty());
            if let Some(column) = column.filter(|column| column.is_new) {
                // Other mics are measured in every second hop.
                let seconds = if strip == selected { hop_s } else { 2.0 * hop_s };
                spectra.push(strip, column, seconds);
            }
        }
    }

    fn hear(&mut self, snapshot: &Snapshot, session: &LiveSession) {
        let hop_s = session.monitor.hop_s();
        let num_strips = self.strips.len();
        for (strip, levels) in self.strips.iter_mut().enumerate() {
            let mut all = MicLevels::default();
            let mics = self.mics[strip].clone();
            let share = 1.0 / mics.len().max(1) as f32;
            for mic in &snapshot.mics[mics] {
                all.input_peak = all.input_peak.max(mic.input_peak);
                all.output_peak = all.output_peak.max(mic.output_peak);
                all.input_power += share * mic.input_power;
                all.output_power += share * mic.output_power;
                all.clean_power += share * mic.clean_power;
            }
            levels.input.hear(all.input_peak, all.input_power, hop_s);
            levels.output.hear(all.output_peak, all.output_power, hop_s);
            levels.clean.hear(0.0, all.clean_power, hop_s);
            levels.windows.hear([all.input_power, all.clean_power], hop_s);
        }
        let num_mics = session.monitor.num_mics();
        let part = (hop_s / CROSSTALK_S).min(1.0);
        for target in 0..num_strips {
            for bleeder in 0..num_strips {
                let mut loudest = 0.0_f32;
                for to in self.mics[target].clone() {
                    for from in self.mics[bleeder].clone() {
                        loudest = loudest.max(snapshot.crosstalk[to * num_mics + from]);
                    }
                }
                let shown = &mut self.crosstalk[target * num_strips + bleeder];
                *shown += part * (loudest - *shown);
            }
        }
        self.settled = snapshot.settled;
        self.twins = (0..num_strips).find_map(|strip| {
            let of = |strip: usize| self.mics[strip].clone();
            let twin = of(strip).find_map(|mic| snapshot.twins[mic])?;
            let other = (0..num_strips).find(|&other| of(other).any(|mic| mic == twin))?;
            (other != strip).then_some([strip, other])
        });
        let now = Instant::now();
        match (snapshot.trouble, self.trouble) {
            (Some(trouble), _) => self.trouble = Some((trouble, now)),
            (None, Some((_, seen))) if now.duration_since(seen).as_secs_f32() > LATE_SHOWN_S => {
                self.trouble = None;
            }
            (None, _) => {}
        }
    }

    fn look_after(&mut self, session: &LiveSession) {
        let stats = &session.stats;
        self.health.failed = stats.worker_failed();
        let late = stats.late_hops() + stats.lost_hops();
        self.health.late_hops = late;
        let unseen = late.saturating_sub(self.late_seen);
        self.health.late_s = unseen as f32 * session.monitor.hop_s();
        let now = Instant::now();
        if late > self.late_since.0 {
            self.late_since = (late, Some(now));
        }
        let recent = |at: Instant| now.duration_since(at).as_secs_f32() < LATE_SHOWN_S;
        self.health.is_late = self.late_since.1.is_some_and(recent);
        let (since, hops, busy_s) = self.load_since;
        if now.duration_since(since).as_secs_f32() > LOAD_S {
            let done = stats.hops().saturating_sub(hops);
            let had_s = done as f64 * f64::from(session.monitor.hop_s());
            #[allow(clippy::cast_possible_truncation, reason = "a share")]
            let load = ((stats.busy_s() - busy_s) / had_s.max(1e-9)) as f32;
            self.health.load = if done == 0 { 0.0 } else { load };
            self.load_since = (now, stats.hops(), stats.busy_s());
        }
    }

    /// Returns true if there was a snapshot within the last half second.
    pub(super) fn is_moving(&self, time_s: f64) -> bool {
        self.last_snapshot_s.is_some_and(|last| time_s - last < 0.5)
    }

    /// Returns the reason why the network is not in use, if it was not lately.
    pub(super) fn trouble(&self) -> Option<GuideTrouble> {
        self.trouble.map(|(trouble, _)| trouble)
    }

    pub(super) fn params(&self) -> &Arc<UnspillParams> {
        &self.params
    }

    /// Returns the name of a mic.
    pub(super) fn name(&self, strip: usize) -> String {
        mic_name(&self.params, strip)
    }

    pub(super) fn instrument(&self, strip: usize) -> Instrument {
        self.params.mics[strip].instrument.value()
    }

    /// Returns the colour of a strip's group.
    pub(super) fn group_colour(&self, strip: usize) -> Option<Color32> {
        let group = self.params.mics[strip].group.value().to_index();
        group.checked_sub(1).map(|letter| theme::GROUPS[letter % theme::GROUPS.len()])
    }

    pub(super) fn session(&self) -> Option<&LiveSession> {
        self.session.as_ref()
    }

    /// Returns the crosstalk from a bleeder into a target in decibels, relative to the level at the
    /// bleeder's own mic.
    pub(super) fn crosstalk_db(&self, target: usize, bleeder: usize) -> Option<f32> {
        let ratio = self.crosstalk[target * self.strips.len() + bleeder];
        (ratio > 1e-6).then(|| 10.0 * ratio.log10())
    }

    /// Returns true if a strip has ever had a signal, or if the user has labelled or named it. A
    /// linked track is always used.
    pub(super) fn is_used(&self, strip: usize) -> bool {
        if self.tracks.is_some() {
            return self.exists(strip);
        }
        let labelled = self.params.mics[strip].instrument.value() != Instrument::Other
            || self.params.saved.arranged.now().name(strip).is_some();
        self.was_heard(strip) || (labelled && self.exists(strip))
    }

    /// Returns the worker's mics of a strip.
    pub(super) fn mics_of(&self, strip: usize) -> Range<usize> {
        self.mics[strip].clone()
    }

    /// Returns true if a strip has ever had a signal.
    pub(super) fn was_heard(&self, strip: usize) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|session| {
            self.mics[strip].clone().any(|mic| session.monitor.was_heard(mic))
        })
    }

    /// Notifies the host at once that there is something to save.
    pub(super) fn tell_host(&self) {
        self.live.ring();
    }

    /// Returns the reason why the instance is not linked, if that is an error.
    pub(super) fn link_trouble(&self) -> Option<String> {
        self.live.trouble()
    }

    pub(super) fn daw(&self) -> Daw {
        self.live.daw()
    }

    /// Returns true if the current layout has this strip.
    pub(super) fn exists(&self, strip: usize) -> bool {
        if self.session.is_some() { !self.mics[strip].is_empty() } else { self.tracks.is_none() }
    }

    /// Returns the linked tracks, in the window of a linked instance.
    pub(super) fn tracks(&self) -> Option<&Tracks> {
        self.tracks.as_deref()
    }

    /// Returns the parameters of the instance that hosts know.
    pub(super) fn own(&self) -> &Arc<UnspillParams> {
        &self.own
    }
}

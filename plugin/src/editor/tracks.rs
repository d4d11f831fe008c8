//! The tracks of linked instances, as the mics of one table: the window of one instance shows and
//! edits them all.
#![allow(unsafe_code, reason = "the framework gives parameters by pointer")]

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use egui::Color32;
use link::{Entry, MAX_LINKED_MICS, MemberInfo, MemberState, PAIR_CODE, Watcher};
use nice_plug::prelude::ParamPtr;

use super::edits::ParamIndex;
use crate::classes::LINKED_TRACKS;
use crate::console::{NAME_CODE, OWN, ROW_CODE};
use crate::guard::param_id_hash;
use crate::live::Live;
use crate::names::mic_name;
use crate::params::{EstimatesChoice, UnspillParams};
use crate::saved::arrangement::Arrangement;
use crate::sync::lock;

/// Least time of sound in a learned passage, in seconds, with which a mic counts as learned.
pub(super) const LEAST_HEARD_S: f32 = 0.5;

/// Position of *Removed* among the three choices of *Listen*.
const LISTEN_REMOVED: f32 = 0.5;

/// Meaning of a parameter of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    /// A parameter of the own instance that it shares with all others, or that only it has.
    Session(ParamPtr),
    /// A parameter that every instance has, and that the window sets for all.
    All { own: ParamPtr, code: u32 },
    /// A parameter of one track.
    Track { strip: usize, own: ParamPtr, code: u32 },
    /// *Solo Removed* of one track: a choice of its *Listen*.
    Removed { strip: usize, own: ParamPtr, code: u32 },
    /// The amount of one pair of tracks.
    Pair { target: usize, bleeder: usize },
    /// Not used.
    None,
}

/// One track with mics in the worker.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) member: MemberInfo,
    pub(super) is_own: bool,
}

impl Row {
    /// Returns true if the track delivers no samples.
    pub(super) fn is_still(&self) -> bool {
        matches!(self.member.state, MemberState::Still | MemberState::Kept)
    }

    /// Returns the track's colour in the host.
    pub(super) fn colour(&self) -> Option<Color32> {
        let [_, red, green, blue] = self.member.label.colour?.to_be_bytes();
        Some(Color32::from_rgb(red, green, blue))
    }
}

#[derive(Debug, Default)]
struct State {
    watcher: Option<Watcher>,
    roster: Vec<MemberInfo>,
    /// The member of each strip.
    rows: Vec<Option<Row>>,
}

/// The tracks of a session, as one instance with all mics.
#[derive(Debug)]
pub(super) struct Tracks {
    /// Parameters of the window's instance, which owns those behind the pointers of `cells`.
    own: Arc<UnspillParams>,
    /// Parameters of the table, which only the window knows.
    table: Arc<UnspillParams>,
    live: Arc<Live>,
    cells: Vec<Cell>,
    /// Places in the table's parameters, by textual id.
    places: HashMap<String, usize>,
    pointers: Vec<ParamPtr>,
    state: Mutex<State>,
}

impl Tracks {
    pub(super) fn new(own: &Arc<UnspillParams>, live: &Arc<Live>) -> Self {
        let table = Arc::new(UnspillParams::new(&LINKED_TRACKS));
        let of_own: HashMap<String, ParamPtr> =
            own.entries().into_iter().map(|(id, pointer, _)| (id, pointer)).collect();
        let entries = table.entries();
        let cells = entries.iter().map(|(id, ..)| meaning(id, &of_own)).collect();
        let ids = entries.iter().enumerate().map(|(place, (id, ..))| (id.clone(), place));
        Self {
            own: Arc::clone(own),
            cells,
            places: ids.collect(),
            pointers: entries.iter().map(|(_, pointer, _)| *pointer).collect(),
            table,
            live: Arc::clone(live),
            state: Mutex::default(),
        }
    }

    /// Returns the parameters of the table.
    pub(super) fn table(&self) -> &Arc<UnspillParams> {
        &self.table
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Reads all members, and updates the table. Returns the strips that have other members.
    pub(super) fn poll(&self) -> Vec<usize> {
        let watcher = self.live.watcher();
        let roster = watcher.as_ref().map(Watcher::roster).unwrap_or_default();
        let mut state = self.state();
        let own = watcher.as_ref().map(Watcher::id);
        state.watcher = watcher;
        self.copy_session();
        if roster == state.roster && !state.rows.is_empty() {
            return Vec::new();
        }
        let before = std::mem::take(&mut state.rows);
        state.rows = vec![None; MAX_LINKED_MICS];
        for member in roster.iter().filter(|member| !member.mics.is_empty()) {
            if let Some(row) = state.rows.get_mut(member.mics.start) {
                *row = Some(Row { member: member.clone(), is_own: Some(member.id) == own });
            }
        }
        state.roster = roster;
        let is_other = |&strip: &usize| {
            let id = |rows: &[Option<Row>]| Some(rows.get(strip)?.as_ref()?.member.id);
            id(&before) != id(&state.rows)
        };
        let others: Vec<usize> = (0..MAX_LINKED_MICS).filter(is_other).collect();
        others.iter().for_each(|&strip| self.clear(strip));
        for strip in 0..MAX_LINKED_MICS {
            self.show(strip, &state.rows);
        }
        self.arrange(&state.rows);
        others
    }

    /// Copies the parameters of the whole session from the own instance.
    fn copy_session(&self) {
        for (cell, to) in self.cells.iter().zip(&self.pointers) {
            if let Cell::Session(from) | Cell::All { own: from, .. } = cell {
                // SAFETY: both point into parameters that `self` keeps; values are atomics.
                unsafe { to._internal_set_normalized_value(from.unmodulated_normalized_value()) };
            }
        }
    }

    fn set(&self, id: &str, value: f32) {
        if let Some(&place) = self.places.get(id) {
            // SAFETY: points into `table`; values are atomics.
            unsafe { self.pointers[place]._internal_set_normalized_value(value.clamp(0.0, 1.0)) };
        }
    }

    /// Resets the parameters of a strip whose member has changed.
    fn clear(&self, strip: usize) {
        for (cell, pointer) in self.cells.iter().zip(&self.pointers) {
            let is_its = match *cell {
                Cell::Track { strip: of, .. } | Cell::Removed { strip: of, .. } => of == strip,
                Cell::Pair { target, bleeder } => target == strip || bleeder == strip,
                _ => false,
            };
            if is_its {
                // SAFETY: points into `table`; values are atomics.
                unsafe {
                    pointer._internal_set_normalized_value(pointer.default_normalized_value());
                }
            }
        }
    }

    /// Shows the settings of a strip's member.
    fn show(&self, strip: usize, rows: &[Option<Row>]) {
        let Some(row) = &rows[strip] else { return };
        let sheet = &row.member.sheet;
        for id in OWN {
            let Some(value) = value_of(sheet.own.iter(), param_id_hash(id), 0) else { continue };
            let number = strip + 1;
            match id {
                "bypass" => self.set(&format!("mic{number}_bypass"), value),
                "listen" => {
                    let is_removed = (value - LISTEN_REMOVED).abs() < 0.25;
                    self.set(&format!("mic{number}_solo"), f32::from(u8::from(is_removed)));
                }
                _ => {
                    if let Some(what) = id.strip_prefix("mic1_") {
                        self.set(&format!("mic{number}_{what}"), value);
                    }
                }
            }
        }
        for (bleeder, other) in rows.iter().enumerate() {
            let Some(other) = other.as_ref().filter(|_| bleeder != strip) else { continue };
            let amount = value_of(sheet.own.iter(), PAIR_CODE, other.member.sheet.identity);
            self.set(&format!("pair{}_{}", strip + 1, bleeder + 1), amount.unwrap_or(1.0));
        }
    }

    /// Arranges the rows: names, and the order that the members state.
    fn arrange(&self, rows: &[Option<Row>]) {
        let mut arrangement = Arrangement::new(rows.len());
        let place =
            |strip: usize| rows[strip].as_ref().map_or(f32::MAX, |row| stated_row(&row.member));
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&one, &other| place(one).total_cmp(&place(other)));
        for pair in order.windows(2) {
            arrangement.move_beside(&[pair[1]], pair[0], true);
        }
        let shown = order.iter().filter_map(|&strip| Some((strip, rows[strip].as_ref()?)));
        for (number, (strip, row)) in (1..).zip(shown) {
            let name = &row.member.label.name;
            if name.is_empty() {
                arrangement.rename(strip, &nameless(number));
            } else {
                arrangement.rename(strip, name);
            }
        }
        if *self.table.saved.arranged.now() != arrangement {
            self.table.saved.arranged.load(arrangement);
        }
    }

    /// Returns the worker's mics of a strip.
    pub(super) fn mics_of(&self, strip: usize) -> Range<usize> {
        let state = self.state();
        let row = state.rows.get(strip).and_then(Option::as_ref);
        row.map_or(0..0, |row| row.member.mics.clone())
    }

    /// Returns the strip of the window's own track.
    pub(super) fn own_strip(&self) -> Option<usize> {
        let is_own = |row: &Option<Row>| row.as_ref().is_some_and(|row| row.is_own);
        self.state().rows.iter().position(is_own)
    }

    /// Returns the member of a strip.
    pub(super) fn row(&self, strip: usize) -> Option<Row> {
        self.state().rows.get(strip).cloned().flatten()
    }

    /// Returns all members of the session.
    pub(super) fn roster(&self) -> Vec<MemberInfo> {
        self.state().roster.clone()
    }

    /// Returns the name of a member: that of its row, or that of its track.
    fn name_of(&self, member: &MemberInfo) -> String {
        if !member.mics.is_empty() {
            return mic_name(&self.table, member.mics.start);
        }
        let name = &member.label.name;
        if name.is_empty() { "A track".to_owned() } else { name.clone() }
    }

    /// Returns the first problem that the engineer should know of, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let (mut roster, own) = {
            let state = self.state();
            let own = state.watcher.as_ref().map(Watcher::id);
            (state.roster.clone(), own)
        };
        // Names come in the order of the rows.
        roster.sort_by(|one, other| {
            let mic = |member: &MemberInfo| (member.mics.is_empty(), member.mics.start);
            stated_row(one).total_cmp(&stated_row(other)).then(mic(one).cmp(&mic(other)))
        });
        let kept_trouble = self.state().watcher.as_ref().and_then(Watcher::kept_trouble);
        let not_kept = |error| format!("Neighbours are no longer kept on disk: {error}");
        problem(&roster, own, |member| self.name_of(member))
            .or_else(|| kept_trouble.map(not_kept))
            .or_else(|| self.not_learned(&roster))
    }

    /// Names the tracks that came after the passage was learned or were silent in it, while it is
    /// used.
    fn not_learned(&self, roster: &[MemberInfo]) -> Option<String> {
        if self.own.learn.value() || self.own.estimates.value() != EstimatesChoice::Learned {
            return None;
        }
        let lesson = self.own.saved.kept.lesson()?;
        let learned = lesson.learned.as_ref()?;
        let is_new = |member: &&MemberInfo| {
            let mut mics = (0..).zip(&lesson.identities);
            let is_known = mics.any(|(mic, &identity)| {
                identity == member.sheet.identity && learned.heard_s(mic) >= LEAST_HEARD_S
            });
            !member.mics.is_empty() && !is_known
        };
        let names: Vec<_> =
            roster.iter().filter(is_new).map(|member| self.name_of(member)).collect();
        let names = (!names.is_empty()).then(|| names.join(", "))?;
        Some(nothing_learned(&names))
    }

    /// Lists all members with their states.
    pub(super) fn list(&self) -> String {
        let line = |member: &MemberInfo| {
            let trouble = trouble_of(member).unwrap_or_else(|| "playing".to_owned());
            format!("{}: {trouble}", self.name_of(member))
        };
        self.roster().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Returns the host parameter behind a parameter of the table, if there is one.
    pub(super) fn host_param(&self, index: ParamIndex) -> Option<ParamPtr> {
        match self.cells[index.place()] {
            Cell::Session(own) | Cell::All { own, .. } => Some(own),
            Cell::Track { strip, own, .. } | Cell::Removed { strip, own, .. } => {
                let state = self.state();
                let row = state.rows.get(strip).and_then(Option::as_ref);
                row.is_some_and(|row| row.is_own).then_some(own)
            }
            Cell::Pair { .. } | Cell::None => None,
        }
    }

    /// Returns the value of the host parameter for a value of the table's.
    pub(super) fn host_value(&self, index: ParamIndex, value: f32) -> f32 {
        match self.cells[index.place()] {
            Cell::Removed { .. } => listen_of(value),
            _ => value,
        }
    }

    /// Sends a new value of the table's to the other instances that it concerns.
    pub(super) fn send(&self, index: ParamIndex, value: f32) {
        let state = self.state();
        let Some(watcher) = &state.watcher else { return };
        let own = watcher.id();
        let others = state.roster.iter().filter(|member| member.id != own);
        let member = |strip: usize| state.rows.get(strip)?.as_ref().map(|row| &row.member);
        let entry = |code, value| Entry { code, about: 0, value };
        match self.cells[index.place()] {
            Cell::All { code, .. } => {
                others.for_each(|member| watcher.request(member.id, entry(code, value), ""));
            }
            Cell::Track { strip, code, .. } => {
                if let Some(member) = member(strip).filter(|member| member.id != own) {
                    watcher.request(member.id, entry(code, value), "");
                }
            }
            Cell::Removed { strip, code, .. } => {
                if let Some(member) = member(strip).filter(|member| member.id != own) {
                    watcher.request(member.id, entry(code, listen_of(value)), "");
                }
            }
            Cell::Pair { target, bleeder } => {
                if let (Some(target), Some(bleeder)) = (member(target), member(bleeder)) {
                    let about = bleeder.sheet.identity;
                    watcher.request(target.id, Entry { code: PAIR_CODE, about, value }, "");
                }
            }
            Cell::Session(_) | Cell::None => {}
        }
    }

    /// Sends names and order of the rows to the instances that have others.
    pub(super) fn send_arrangement(&self, from: &Arrangement, to: &Arrangement) {
        let state = self.state();
        let Some(watcher) = &state.watcher else { return };
        for (strip, row) in state.rows.iter().enumerate() {
            let Some(Row { member, .. }) = row else { continue };
            if from.name(strip) != to.name(strip) {
                let entry = Entry { code: NAME_CODE, about: 0, value: 0.0 };
                watcher.request(member.id, entry, to.name(strip).unwrap_or_default());
            }
            let row = to.order().iter().position(|&of| of == strip);
            if from.order() != to.order()
                && let Some(row) = row
            {
                let entry = Entry { code: ROW_CODE, about: 0, value: row as f32 };
                watcher.request(member.id, entry, "");
            }
        }
    }
}

/// Returns the name of the track in this row, counted from 1, if nobody has named it.
fn nameless(number: usize) -> String {
    format!("Mic {number}")
}

/// Returns true if a name is one that nobody has given.
pub(super) fn is_nameless(name: &str) -> bool {
    (1..=MAX_LINKED_MICS).any(|number| name == nameless(number))
}

/// Returns the message about mics of which the learned passage has no sound.
pub(super) fn nothing_learned(names: &str) -> String {
    format!("Nothing is learned for {names}: learn again, or choose Follow")
}

/// Returns the choice of *Listen* for a switch *Solo Removed*.
fn listen_of(is_on: f32) -> f32 {
    if is_on > 0.5 { LISTEN_REMOVED } else { 0.0 }
}

fn value_of<'a>(
    mut entries: impl Iterator<Item = &'a Entry>,
    code: u32,
    about: u128,
) -> Option<f32> {
    entries.find(|entry| (entry.code, entry.about) == (code, about)).map(|entry| entry.value)
}

/// Returns the meaning of a parameter of the table; `own` are the own instance's parameters.
fn meaning(id: &str, own: &HashMap<String, ParamPtr>) -> Cell {
    if let Some(rest) = id.strip_prefix("mic") {
        return track_meaning(rest, own).unwrap_or(Cell::None);
    }
    if let Some(rest) = id.strip_prefix("pair") {
        let strips = rest.split_once('_').and_then(|(target, bleeder)| {
            let strip = |number: &str| number.parse::<usize>().ok()?.checked_sub(1);
            Some((strip(target)?, strip(bleeder)?))
        });
        return strips.map_or(Cell::None, |(target, bleeder)| Cell::Pair { target, bleeder });
    }
    match own.get(id) {
        Some(&own) if OWN.contains(&id) => Cell::All { own, code: param_id_hash(id) },
        Some(&own) => Cell::Session(own),
        None => Cell::None,
    }
}

/// Returns the meaning of a mic's parameter, whose id without "mic" is `rest`.
fn track_meaning(rest: &str, own: &HashMap<String, ParamPtr>) -> Option<Cell> {
    let (number, what) = rest.split_once('_')?;
    let strip = number.parse::<usize>().ok()?.checked_sub(1)?;
    let track = |id: &str| Some(Cell::Track { strip, own: *own.get(id)?, code: param_id_hash(id) });
    match what {
        "bypass" => track("bypass"),
        "solo" => {
            let id = "listen";
            Some(Cell::Removed { strip, own: *own.get(id)?, code: param_id_hash(id) })
        }
        // The host's own solo.
        "alone" => None,
        _ => track(&format!("mic1_{what}")),
    }
}

/// Returns the row that a member states; those that state none come last.
fn stated_row(member: &MemberInfo) -> f32 {
    value_of(member.sheet.own.iter(), ROW_CODE, 0).unwrap_or(f32::MAX)
}

/// Returns the first problem among the members, in words. `own` is the window's member.
fn problem(
    roster: &[MemberInfo],
    own: Option<u128>,
    name: impl Fn(&MemberInfo) -> String,
) -> Option<String> {
    let names = |is_meant: &dyn Fn(&MemberInfo) -> bool| {
        let names: Vec<_> = roster.iter().filter(|&member| is_meant(member)).map(&name).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let with = |is_meant: fn(&MemberState) -> bool| names(&|member| is_meant(&member.state));
    if let Some(names) = with(|state| *state == MemberState::NoRoom) {
        let mics: usize = roster.iter().map(num_mics).sum();
        return Some(format!(
            "{mics} mics, but the network takes {MAX_LINKED_MICS} at most: {names} not cleaned"
        ));
    }
    if let Some(names) = with(|state| matches!(state, MemberState::OtherRate(_))) {
        return Some(format!("Another sample rate: {names}"));
    }
    let misaligned = roster.iter().find_map(|member| match member.state {
        MemberState::Misaligned(by_s) => Some((member, by_s)),
        _ => None,
    });
    if let Some((member, by_s)) = misaligned {
        return Some(format!(
            "{} is {} and not used. Check the delay compensation of its track.",
            name(member),
            apart(by_s)
        ));
    }
    let late = roster.iter().find_map(|member| match member.state {
        MemberState::Late(by_s) => Some((member, by_s)),
        _ => None,
    });
    if let Some((member, by_s)) = late {
        return Some(format!("{} is late by {:.1} ms", name(member), 1000.0 * by_s));
    }
    if let Some(names) = with(|state| *state == MemberState::Unplaced) {
        return Some(format!("The host states no position for {names}"));
    }
    if let Some(names) = with(|state| *state == MemberState::Elsewhere) {
        return Some(format!("Plays another part of the timeline: {names}"));
    }
    let alone = roster.iter().find_map(|member| member.alone_from_s.map(|from_s| (member, from_s)));
    let process = roster.iter().find(|member| Some(member.id) == own).map(|own| own.process);
    if let Some(names) = names(&|member| process.is_some_and(|of| member.process != of)) {
        return Some(format!("In another process: {names}"));
    }
    if let Some((member, from_s)) = alone {
        return Some(format!(
            "{} was rendered without its neighbours from {} on: none of their sound is kept there. \
             Play the song once with all tracks, then render again",
            name(member),
            minutes(from_s)
        ));
    }
    let plays = roster.iter().any(|member| member.state == MemberState::Playing);
    let still = with(|state| *state == MemberState::Still).filter(|_| plays)?;
    Some(format!("Not playing: {still}"))
}

/// Returns the number of mics that a member has, or would have if there were room.
fn num_mics(member: &MemberInfo) -> usize {
    match member.state {
        MemberState::NoRoom if member.mics.is_empty() => 1,
        MemberState::NoRoom => member.num_sides,
        _ => member.mics.len(),
    }
}

/// Writes a place on the timeline in minutes and seconds.
pub(super) fn minutes(place_s: f32) -> String {
    let sign = if place_s < 0.0 { "\u{2212}" } else { "" };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds")]
    let seconds = place_s.abs() as u64;
    format!("{sign}{}:{:02}", seconds / 60, seconds % 60)
}

/// Describes how far a track is from its place.
fn apart(by_s: f32) -> String {
    format!("{:.0} ms too {}", 1000.0 * by_s.abs(), if by_s > 0.0 { "late" } else { "early" })
}

/// Returns the state of a member in words; `None` if there is nothing to tell.
pub(super) fn trouble_of(member: &MemberInfo) -> Option<String> {
    Some(match member.state {
        MemberState::Playing => return None,
        MemberState::Still => "not playing".to_owned(),
        MemberState::Kept => "last playback used".to_owned(),
        MemberState::Late(by_s) => format!("late by {:.1} ms", 1000.0 * by_s),
        MemberState::Misaligned(by_s) => apart(by_s),
        MemberState::Elsewhere => "plays another part".to_owned(),
        MemberState::Unplaced => "no position from the host".to_owned(),
        MemberState::OtherRate(rate_hz) => format!("{:.1} kHz", rate_hz / 1000.0),
        MemberState::NoRoom => "no free mic".to_owned(),
        _ => "not used".to_owned(),
    })
}

#[cfg(test)]
mod tests;

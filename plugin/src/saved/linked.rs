//! Saved data of a linked instance: its identity, and the amounts of the other tracks' sound.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use link::{Lesson, MAX_LINKED_MICS};
use serde_json::{Value, json};

use crate::sync::lock;

/// Largest number of amounts: all mics of a session but one.
const MAX_CELLS: usize = 15;

/// Identity of an instance, which its project saves. It is never 0.
pub(crate) type Identity = u128;

/// The data of one instance; locked on the main thread and on the worker only.
#[derive(Debug)]
pub(crate) struct Linked {
    inner: Mutex<Inner>,
    changes: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    identity: Identity,
    /// Time since which this instance has the identity, in nanoseconds of the system's clock.
    claimed: u64,
    /// The identity before a state was loaded.
    before: Option<Identity>,
    /// Number of the last change of the settings that all instances share.
    version: u64,
    /// Amounts of other instances' sound that are removed, 0 to 1, if not 1. The last changed one
    /// is last.
    cells: Vec<(Identity, f32)>,
    /// Row of the track among all rows of windows, from 0, if the user has chosen one.
    row: Option<f32>,
}

impl Default for Linked {
    fn default() -> Self {
        let inner = Inner {
            identity: random(),
            claimed: now(),
            before: None,
            version: 0,
            cells: Vec::new(),
            row: None,
        };
        Self { inner: Mutex::new(inner), changes: AtomicU64::new(0) }
    }
}

/// Draws an identity.
fn random() -> Identity {
    let mut bytes = [0; 16];
    // Without the system's random numbers the time must do.
    let drawn = getrandom::fill(&mut bytes).is_ok();
    let number = u128::from_ne_bytes(bytes);
    if drawn && number != 0 { number } else { u128::from(now()) << 32 | 1 }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Linked {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Returns the identity and the time since which the instance has it.
    pub(crate) fn identity(&self) -> (Identity, u64) {
        let inner = self.inner();
        (inner.identity, inner.claimed)
    }

    /// Takes another identity because another instance had `taken` before, as after the duplication
    /// of a track: the one before the state was loaded, or a new one.
    pub(crate) fn give_up(&self, taken: Identity) {
        let mut inner = self.inner();
        if inner.identity == taken {
            inner.identity = inner.before.take().unwrap_or_else(random);
            inner.claimed = now();
            drop(inner);
            self.has_changed();
        }
    }

    /// Returns the number of the last change of the shared settings.
    pub(crate) fn version(&self) -> u64 {
        self.inner().version
    }

    /// Stores the number of a change of the shared settings.
    pub(crate) fn set_version(&self, version: u64) {
        self.inner().version = version;
        self.has_changed();
    }

    /// Returns the amounts of other instances' sound, 0 to 1, that are not 1.
    pub(crate) fn cells(&self) -> Vec<(Identity, f32)> {
        self.inner().cells.clone()
    }

    /// Sets the amount of another instance's sound that is removed, 0 to 1.
    pub(crate) fn set_cell(&self, bleeder: Identity, amount: f32) {
        if !amount.is_finite() {
            return;
        }
        self.inner().set_cell(bleeder, amount.clamp(0.0, 1.0));
        self.has_changed();
    }

    /// Returns the row of the track among all rows, from 0, if the user has chosen one.
    pub(crate) fn row(&self) -> Option<f32> {
        self.inner().row
    }

    /// Sets the row of the track among all rows, from 0.
    pub(crate) fn set_row(&self, row: f32) {
        if row.is_finite() {
            self.inner().row = Some(row);
            self.has_changed();
        }
    }

    /// Returns a number that changes whenever there is something new to save; real-time safe.
    pub(crate) fn changes(&self) -> u64 {
        // Relaxed: a plain counter; the lock protects the data that it counts.
        self.changes.load(Ordering::Relaxed)
    }

    fn has_changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the data in its saved form.
    pub(crate) fn to_text(&self) -> String {
        let inner = self.inner();
        let cells: serde_json::Map<_, _> =
            inner.cells.iter().map(|(of, amount)| (to_hex(*of), (*amount).into())).collect();
        let identity = to_hex(inner.identity);
        json!({
            "identity": identity, "version": inner.version, "cells": cells, "row": inner.row,
        })
        .to_string()
    }

    /// Reads saved data; invalid entries are ignored. Without an identity, as in the state of a new
    /// instance or of a preset, the present one stays.
    pub(crate) fn read(&self, text: &str) {
        let saved: Value = serde_json::from_str(text).unwrap_or_default();
        let mut inner = self.inner();
        inner.cells.clear();
        for (of, amount) in saved["cells"].as_object().into_iter().flatten() {
            #[allow(clippy::cast_possible_truncation, reason = "an amount, 0 to 1")]
            let amount = amount.as_f64().map(|amount| amount as f32);
            let amount = amount.filter(|amount| (0.0..=1.0).contains(amount));
            if let (Some(of), Some(amount)) = (from_hex(of), amount) {
                inner.set_cell(of, amount);
            }
        }
        #[allow(clippy::cast_possible_truncation, reason = "a row")]
        let row = saved["row"].as_f64().map(|row| row as f32);
        inner.row = row.filter(|row| row.is_finite());
        inner.version = saved["version"].as_u64().unwrap_or(0);
        if let Some(identity) = saved["identity"].as_str().and_then(from_hex)
            && identity != inner.identity
        {
            inner.before = Some(inner.identity);
            inner.identity = identity;
            inner.claimed = now();
        }
    }
}

impl Inner {
    fn set_cell(&mut self, bleeder: Identity, amount: f32) {
        self.cells.retain(|(of, _)| *of != bleeder);
        if amount < 1.0 {
            self.cells.push((bleeder, amount));
        }
        let surplus = self.cells.len().saturating_sub(MAX_CELLS);
        self.cells.drain(..surplus);
    }
}

/// Returns time and mics of learned estimates in their saved form.
pub(super) fn lesson_text(lesson: &Lesson) -> String {
    let mics: Vec<_> = lesson.identities.iter().map(|&identity| to_hex(identity)).collect();
    json!({ "stamp": lesson.stamp, "mics": mics }).to_string()
}

/// Reads time and mics of learned estimates. What is invalid counts as early and as no mic.
pub(super) fn lesson_of(text: &str) -> (u64, Vec<Identity>) {
    let saved: Value = serde_json::from_str(text).unwrap_or_default();
    let mics = saved["mics"].as_array().into_iter().flatten().take(MAX_LINKED_MICS);
    let identity = |mic: &Value| mic.as_str().and_then(from_hex).unwrap_or(0);
    (saved["stamp"].as_u64().unwrap_or(0), mics.map(identity).collect())
}

fn to_hex(identity: Identity) -> String {
    format!("{identity:032x}")
}

fn from_hex(text: &str) -> Option<Identity> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| Identity::from_str_radix(text, 16).ok()).flatten().filter(|&id| id != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_back_as_saved() {
        let saved = Linked::default();
        saved.set_cell(7, 0.25);
        saved.set_cell(u128::MAX, 0.0);
        saved.set_version(41);
        saved.set_row(3.0);
        let loaded = Linked::default();
        loaded.set_cell(9, 0.5);
        loaded.read(&saved.to_text());
        assert_eq!(loaded.identity().0, saved.identity().0);
        assert_eq!((loaded.version(), loaded.row()), (41, Some(3.0)));
        let mut cells = loaded.cells();
        cells.sort_by_key(|(of, _)| *of);
        assert_eq!(cells, [(7, 0.25), (u128::MAX, 0.0)]);
    }

    #[test]
    fn an_identity_that_another_instance_has_is_given_up_for_the_earlier_or_a_new_one() {
        let original = Linked::default();
        let duplicate = Linked::default();
        let fresh = duplicate.identity().0;
        duplicate.read(&original.to_text());
        let taken = original.identity().0;
        assert_eq!(duplicate.identity().0, taken);
        assert!(duplicate.identity().1 > original.identity().1, "claimed later");
        duplicate.give_up(taken);
        assert_eq!(duplicate.identity().0, fresh);
        duplicate.give_up(taken);
        assert_eq!(duplicate.identity().0, fresh, "not its own");
        duplicate.give_up(fresh);
        assert!(![taken, fresh].contains(&duplicate.identity().0));
    }

    #[test]
    fn only_amounts_that_differ_are_kept_and_no_more_than_a_session_has() {
        let linked = Linked::default();
        for of in 1..=20 {
            linked.set_cell(of, 0.5);
        }
        linked.set_cell(20, 1.0);
        linked.set_cell(3, f32::NAN);
        let cells = linked.cells();
        assert_eq!(cells.len(), 14);
        assert_eq!(cells[0], (6, 0.5), "the oldest ones go");
    }

    #[test]
    fn time_and_mics_of_learned_estimates_come_back_as_saved() {
        let lesson = Lesson { stamp: u64::MAX, learned: None, identities: vec![7, 0, u128::MAX] };
        assert_eq!(lesson_of(&lesson_text(&lesson)), (lesson.stamp, lesson.identities));
        assert_eq!(lesson_of(""), (0, Vec::new()));
        assert_eq!(lesson_of(r#"{"stamp": "x", "mics": [3, "7"]}"#), (0, vec![0, 0]));
    }

    #[test]
    fn invalid_entries_are_ignored() {
        for text in [
            "",
            "[]",
            r#"{"identity": 5, "version": -1, "cells": [1]}"#,
            r#"{"identity": "00000000000000000000000000000000", "cells": {"x": 0.5}}"#,
            r#"{"identity": "+0000000000000000000000000000001", "version": "4"}"#,
            r#"{"cells": {"00000000000000000000000000000007": 2, "7": 0.5}}"#,
        ] {
            let linked = Linked::default();
            let before = linked.identity();
            linked.read(text);
            assert_eq!((linked.identity(), linked.version()), (before, 0), "{text}");
            assert!(linked.cells().is_empty(), "{text}");
        }
    }
}

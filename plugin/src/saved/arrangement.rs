//! Presentation of the mics: their names, order and links. It does not affect the audio.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::sync::lock;

/// Longest name, in characters. Two names and a few words fit into the parameter names of hosts.
pub(crate) const MAX_NAME_CHARS: usize = 24;

/// Names, order and links of the mics of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrangement {
    /// Name of each strip; empty if it has none of its own.
    names: Vec<String>,
    /// All strips, from the top.
    order: Vec<usize>,
    /// Link number of each strip; 0 for none.
    links: Vec<usize>,
}

impl Arrangement {
    pub(crate) fn new(num_strips: usize) -> Self {
        Self {
            names: vec![String::new(); num_strips],
            order: (0..num_strips).collect(),
            links: vec![0; num_strips],
        }
    }

    /// Returns the name that the user gave a mic, if any.
    pub(crate) fn name(&self, strip: usize) -> Option<&str> {
        self.names.get(strip).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Names a mic; an empty name removes its name.
    pub(crate) fn rename(&mut self, strip: usize, name: &str) {
        if let Some(slot) = self.names.get_mut(strip) {
            *slot = plain(name);
        }
    }

    /// Returns all strips, from the top.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// Moves strips directly above or below `other`. The moved strips keep their order.
    pub(crate) fn move_beside(&mut self, moved: &[usize], other: usize, is_below: bool) {
        if moved.contains(&other) {
            return;
        }
        let (mut taken, mut rest): (Vec<_>, Vec<_>) =
            self.order.iter().copied().partition(|strip| moved.contains(strip));
        if let Some(place) = rest.iter().position(|&strip| strip == other) {
            let below = rest.split_off(place + usize::from(is_below));
            rest.append(&mut taken);
            rest.extend(below);
            self.order = rest;
        }
    }

    /// Returns the number of a strip's link, from 1.
    pub(crate) fn link_of(&self, strip: usize) -> Option<usize> {
        self.links.get(strip).copied().filter(|&link| link > 0)
    }

    /// Returns the strips that are linked with this one, itself included.
    pub(crate) fn linked_with(&self, strip: usize) -> Vec<usize> {
        match self.link_of(strip) {
            Some(link) => (0..self.links.len()).filter(|&at| self.links[at] == link).collect(),
            None => vec![strip],
        }
    }

    /// Links strips with each other and removes them from other links.
    pub(crate) fn link(&mut self, strips: &[usize]) {
        let new = self.links.iter().max().map_or(1, |link| link + 1);
        for &strip in strips {
            self.links[strip] = new;
        }
        self.settle_links();
    }

    /// Removes strips from their links.
    pub(crate) fn unlink(&mut self, strips: &[usize]) {
        for &strip in strips {
            self.links[strip] = 0;
        }
        self.settle_links();
    }

    /// Renumbers links from 1, in the order of their first strips, and removes links of a
    /// single strip.
    fn settle_links(&mut self) {
        let before = std::mem::replace(&mut self.links, vec![0; self.names.len()]);
        let mut next = 1;
        for (strip, &link) in before.iter().enumerate() {
            let first = before.iter().position(|&other| other == link);
            let several = before.iter().filter(|&&other| other == link).count() > 1;
            if link == 0 || !several {
                continue;
            }
            match first {
                Some(first) if first < strip => self.links[strip] = self.links[first],
                _ => {
                    self.links[strip] = next;
                    next += 1;
                }
            }
        }
    }

    /// Returns the arrangement in its saved form. Mics are counted from 1, as in parameter ids.
    pub(crate) fn to_text(&self) -> String {
        let names: serde_json::Map<_, _> = (0..self.names.len())
            .filter_map(|strip| Some(((strip + 1).to_string(), self.name(strip)?.into())))
            .collect();
        let order: Vec<_> = self.order.iter().map(|strip| strip + 1).collect();
        let last = self.links.iter().copied().max().unwrap_or(0);
        let members = |link: usize| {
            (1..).zip(&self.links).filter(|&(_, &of)| of == link).map(|(mic, _)| mic).collect()
        };
        let links: Vec<Vec<usize>> = (1..=last).map(members).collect();
        json!({ "names": names, "order": order, "links": links }).to_string()
    }

    /// Reads a saved arrangement for `num_strips` strips; invalid entries are ignored.
    pub(crate) fn from_text(text: &str, num_strips: usize) -> Self {
        let saved: Value = serde_json::from_str(text).unwrap_or_default();
        let mut arrangement = Self::new(num_strips);
        for strip in 0..num_strips {
            if let Some(name) = saved["names"][(strip + 1).to_string()].as_str() {
                arrangement.rename(strip, name);
            }
        }
        let strips = |list: &Value| -> Vec<usize> {
            let numbers = list.as_array().into_iter().flatten().filter_map(Value::as_u64);
            let strips = numbers.filter_map(|mic| usize::try_from(mic).ok()?.checked_sub(1));
            strips.filter(|&strip| strip < num_strips).collect()
        };
        let mut order: Vec<usize> = Vec::with_capacity(num_strips);
        for strip in strips(&saved["order"]).into_iter().chain(0..num_strips) {
            if !order.contains(&strip) {
                order.push(strip);
            }
        }
        arrangement.order = order;
        for link in saved["links"].as_array().into_iter().flatten() {
            arrangement.link(&strips(link));
        }
        arrangement
    }
}

/// Returns the name on one line, without control characters and with at most
/// [`MAX_NAME_CHARS`] characters.
fn plain(name: &str) -> String {
    let words: Vec<_> = name.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let plain = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let short: String = plain.chars().take(MAX_NAME_CHARS).collect();
    short.trim_end().to_owned()
}

/// The arrangement of an instance, read by the window and by host queries for names.
#[derive(Debug)]
pub(crate) struct Arranged {
    now: Mutex<Arrangement>,
    /// The host's name for the plugin's track. It is not saved because the host reports it again.
    track: Mutex<String>,
    /// The host's colour of that track, `0xRRGGBB`.
    colour: Mutex<Option<u32>>,
    renames: AtomicU64,
    changes: AtomicU64,
}

impl Arranged {
    pub(crate) fn new(num_strips: usize) -> Self {
        Self {
            now: Mutex::new(Arrangement::new(num_strips)),
            track: Mutex::default(),
            colour: Mutex::default(),
            renames: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        }
    }

    /// Locks the arrangement; never on the audio thread.
    pub(crate) fn now(&self) -> MutexGuard<'_, Arrangement> {
        lock(&self.now)
    }

    /// Stores the host's name for the track; never on the audio thread.
    pub(crate) fn track_is(&self, name: &str) {
        let name = plain(name);
        let mut track = lock(&self.track);
        if *track != name {
            *track = name;
            self.renames.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the host's name for the track, if the host has reported one.
    pub(crate) fn track(&self) -> Option<String> {
        let track = lock(&self.track);
        Some(track.clone()).filter(|track| !track.is_empty())
    }

    /// Stores the host's colour of the track, `0xRRGGBB`; never on the audio thread.
    pub(crate) fn track_has_colour(&self, colour: u32) {
        *lock(&self.colour) = Some(colour);
    }

    /// Returns the host's colour of the track, `0xRRGGBB`, if the host has reported one.
    pub(crate) fn colour(&self) -> Option<u32> {
        *lock(&self.colour)
    }

    /// Applies a change by the user.
    pub(crate) fn change(&self, to: Arrangement) {
        self.load(to);
        // Relaxed, here and below: plain counters; the lock protects the data that they count.
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Applies the arrangement of a loaded session.
    pub(crate) fn load(&self, to: Arrangement) {
        let mut now = self.now();
        let is_renamed = now.names != to.names;
        *now = to;
        drop(now);
        if is_renamed {
            self.renames.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns a number that changes whenever a name changes; real-time safe.
    pub(crate) fn renames(&self) -> u64 {
        self.renames.load(Ordering::Relaxed)
    }

    /// Returns a number that changes whenever the user changes the arrangement, which must then be
    /// saved; real-time safe.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_short_and_may_be_empty() {
        let mut arrangement = Arrangement::new(2);
        for (typed, name) in [
            ("Snare oben", Some("Snare oben")),
            ("  two \n lines\t", Some("two lines")),
            ("\u{7}\u{0}", None),
            ("", None),
            ("a name that is far too long", Some("a name that is far too l")),
            ("twenty-three characters x", Some("twenty-three characters")),
        ] {
            arrangement.rename(0, typed);
            assert_eq!(arrangement.name(0), name, "{typed:?}");
        }
        arrangement.rename(9, "nobody");
        assert_eq!(arrangement.name(9), None);
    }

    #[test]
    fn strips_move_beside_one_another() {
        let mut arrangement = Arrangement::new(5);
        arrangement.move_beside(&[3], 1, false);
        assert_eq!(arrangement.order(), [0, 3, 1, 2, 4]);
        arrangement.move_beside(&[3, 0], 4, true);
        assert_eq!(arrangement.order(), [1, 2, 4, 0, 3]);
        arrangement.move_beside(&[2, 4], 2, true);
        assert_eq!(arrangement.order(), [1, 2, 4, 0, 3], "beside itself");
    }

    #[test]
    fn a_strip_is_in_one_link_and_a_link_has_two_strips() {
        let mut arrangement = Arrangement::new(6);
        arrangement.link(&[4, 5]);
        arrangement.link(&[0, 2, 3]);
        assert_eq!((arrangement.link_of(0), arrangement.link_of(4)), (Some(1), Some(2)));
        assert_eq!(arrangement.linked_with(2), [0, 2, 3]);
        assert_eq!(arrangement.linked_with(1), [1]);
        arrangement.link(&[1, 5]);
        assert_eq!(arrangement.linked_with(4), [4], "left alone");
        arrangement.unlink(&[0, 2]);
        assert_eq!((arrangement.link_of(3), arrangement.link_of(1)), (None, Some(1)));
    }

    #[test]
    fn everything_comes_back_as_saved() {
        let mut saved = Arrangement::new(4);
        saved.rename(2, "\u{201c}Bühne\u{201d} \\ links");
        saved.move_beside(&[3], 0, false);
        saved.link(&[1, 2]);
        assert_eq!(Arrangement::from_text(&saved.to_text(), 4), saved);
        let default = Arrangement::new(16);
        assert_eq!(Arrangement::from_text(&default.to_text(), 16), default);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        for text in [
            "",
            "[]",
            "{",
            r#"{"names": 3, "order": "x", "links": {}}"#,
            concat!(
                r#"{"names": {"0": "a", "9": "b", "x": "c", "1": 4}, "#,
                r#""order": [0, -1, 9, 2.5], "links": [[1], [0, 9], 4]}"#
            ),
        ] {
            assert_eq!(Arrangement::from_text(text, 4), Arrangement::new(4), "{text}");
        }
        let partly = r#"{"order": [3, 3, 1], "links": [[1, 2], [2, 4]]}"#;
        let partly = Arrangement::from_text(partly, 4);
        assert_eq!(partly.order(), [2, 0, 1, 3]);
        assert_eq!(partly.linked_with(3), [1, 3]);
        assert_eq!(partly.link_of(0), None);
    }

    #[test]
    fn hosts_hear_of_names_and_of_what_is_to_be_saved() {
        let arranged = Arranged::new(2);
        let mut other = Arrangement::new(2);
        other.move_beside(&[1], 0, false);
        arranged.change(other.clone());
        assert_eq!((arranged.renames(), arranged.changes()), (0, 1));
        other.rename(0, "Kick");
        arranged.load(other);
        assert_eq!((arranged.renames(), arranged.changes()), (1, 1));
        // The host's name for the track is not saved, and it is counted once.
        for name in ["Kick in", " Kick\nin "] {
            arranged.track_is(name);
            assert_eq!(arranged.track().as_deref(), Some("Kick in"));
            assert_eq!((arranged.renames(), arranged.changes()), (2, 1));
        }
        arranged.track_is("");
        assert_eq!((arranged.track(), arranged.renames()), (None, 3));
    }
}

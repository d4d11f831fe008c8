//! Tracks that are rendered alone, beside neighbours whose last playback is kept.

use std::sync::{Arc, Mutex};

use super::*;
use crate::board::Console;
use crate::kept::{Key, Shelf, Store};
use crate::lock::lock;
use crate::panel::Panel;
use crate::segment::Folder;
use crate::stream::Owner;

const BLOCK: usize = 512;
const LIMIT_BYTES: usize = 64 << 20;

/// A rig whose tracks have instances with the identities from 1 on.
struct Session {
    rig: Rig,
    store: Arc<Mutex<Store>>,
    shelf: Shelf,
    instances: Vec<Arc<dyn Console>>,
    _folder: tempfile::TempDir,
}

impl Session {
    fn new(mode: Mode, num_members: usize) -> Self {
        Self::with(mode, &vec![1; num_members])
    }

    /// Begins a session of tracks with these numbers of sides.
    fn with(mode: Mode, sides: &[usize]) -> Self {
        let num_members = sides.len();
        let folder = tempfile::tempdir().unwrap();
        let key = Key {
            folder: Folder::at(&folder.path().join("link")).unwrap(),
            session: 0,
            rate_bits: RATE_HZ.to_bits(),
        };
        let store = Arc::new(Mutex::new(Store::new(LIMIT_BYTES)));
        let shelf = Shelf::in_store(Arc::clone(&store), key);
        let mut rig = Rig::new(mode, 0, BLOCK);
        sides.iter().for_each(|&num_sides| rig.add_with(num_sides));
        rig.stream.identify(|id| id + 1);
        rig.stream.keep_on(Some(shelf.clone()));
        let mut instances = Vec::new();
        for identity in 1..=num_members {
            let panel = Panel::new(identity as u128, 7);
            panel.lock().keeps = true;
            let console: Arc<dyn Console> = panel;
            lock(&store).add_instance(&console);
            instances.push(console);
        }
        Self { rig, store, shelf, instances, _folder: folder }
    }

    /// Resets all members, as a host does before it renders.
    fn reset(&mut self) {
        for member in &mut self.rig.members {
            member.outlet.reset();
            member.heard.clear();
            member.second.clear();
        }
    }

    /// Plays some tracks from `first` on, block by block.
    fn play(&mut self, tracks: &[usize], mics: &[Vec<f32>], first: i64, is_offline: bool) {
        for start in (0..mics[0].len()).step_by(BLOCK) {
            let place = timeline(first + to_i64(start));
            for &track in tracks {
                let end = (start + BLOCK).min(mics[track].len());
                let stamp = Stamp { is_offline, ..stamp(place) };
                self.rig.call_with(track, &mics[track][start..end], &stamp);
            }
        }
    }

    /// Plays some stereo tracks, `[track][side][sample]`, from the start.
    fn play_sides(&mut self, tracks: &[usize], sides: &[[Vec<f32>; 2]]) {
        for start in (0..sides[0][0].len()).step_by(BLOCK) {
            for &track in tracks {
                let end = (start + BLOCK).min(sides[track][0].len());
                let block = sides[track].each_ref().map(|side| &side[start..end]);
                self.rig.call_sides(track, &block, &stamp(timeline(to_i64(start))));
            }
        }
    }

    /// Returns the output of both sides of all tracks.
    fn both_sides(&self) -> Vec<[Vec<f32>; 2]> {
        let sides = |member: &Member| [member.heard.clone(), member.second.clone()];
        self.rig.members.iter().map(sides).collect()
    }

    fn heard(&self, track: usize) -> &[f32] {
        &self.rig.members[track].heard
    }

    /// Returns a track's input as late as its output.
    fn dry(&self, mic: &[f32]) -> Vec<f32> {
        let latency = self.rig.timing.latency_samples;
        let mut dry = vec![0.0; latency];
        dry.extend_from_slice(&mic[..mic.len() - latency]);
        dry
    }
}

fn first_difference(one: &[f32], other: &[f32]) -> Option<usize> {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).position(|(one, other)| one != other)
}

#[test]
fn a_track_that_is_rendered_alone_sounds_as_in_the_mix() {
    for (mode, num_samples, first, is_lazy) in [
        (Mode::Live, 60_000, -1000, false),
        (Mode::Live, 60_000, 0, true),
        (Mode::Mix, 120_000, 48_000, true),
    ] {
        let mics = mics(4, num_samples);
        let mut session = Session::new(mode, 4);
        session.rig.is_lazy = is_lazy;
        session.play(&[0, 1, 2, 3], &mics, first, true);
        let together: Vec<Vec<f32>> = (0..4).map(|track| session.heard(track).to_vec()).collect();
        assert!(first_difference(&together[2], &session.dry(&mics[2])).is_some());
        for alone in [2, 0] {
            session.reset();
            session.play(&[alone], &mics, first, true);
            let differs = first_difference(session.heard(alone), &together[alone]);
            assert_eq!(differs, None, "{mode:?}, track {alone}");
            let kept: Vec<bool> = session.rig.stream.tracks().iter().map(|t| t.is_kept).collect();
            assert_eq!(kept, [0, 1, 2, 3].map(|track| track != alone));
        }
        session.reset();
        session.play(&[3, 1, 0, 2], &mics, first, true);
        for (track, together) in together.iter().enumerate() {
            assert_eq!(first_difference(session.heard(track), together), None, "{mode:?} again");
        }
    }
}

/// Ardour states the places of a playback earlier by the plugin's latency than those of a bounce.
#[test]
fn a_track_that_is_rendered_at_other_places_finds_its_neighbours() {
    let mics = mics(4, 60_000);
    let mut session = Session::new(Mode::Live, 4);
    session.play(&[0, 1, 2, 3], &mics, -2560, true);
    let together: Vec<Vec<f32>> = (0..4).map(|track| session.heard(track).to_vec()).collect();
    for alone in [2, 1] {
        session.reset();
        session.play(&[alone], &mics, 0, true);
        let differs = first_difference(session.heard(alone), &together[alone]);
        assert_eq!(differs, None, "track {alone}");
    }
}

#[test]
fn a_track_alone_is_dry_in_real_time_elsewhere_and_where_nothing_is_kept() {
    let mics = mics(3, 40_000);
    for (is_offline, first, keeps) in [(false, 0, true), (true, 1 << 20, true), (true, 0, false)] {
        let mut session = Session::new(Mode::Live, 3);
        session.rig.stream.keep_on(keeps.then(|| session.shelf.clone()));
        session.play(&[0, 1, 2], &mics, 0, true);
        let together: Vec<Vec<f32>> = (0..3).map(|track| session.heard(track).to_vec()).collect();
        session.reset();
        session.play(&[1], &mics, first, is_offline);
        let differs = first_difference(session.heard(1), &session.dry(&mics[1]));
        assert_eq!(differs, None, "{is_offline} {first} {keeps}");
        let alone_from = |session: &Session| session.rig.stream.tracks()[1].alone_from;
        assert_eq!(alone_from(&session), is_offline.then_some(first), "{first} {keeps}");
        // The next render of all is none the worse for it.
        session.reset();
        session.play(&[2, 0, 1], &mics, 0, true);
        for (track, together) in together.iter().enumerate() {
            let differs = first_difference(session.heard(track), together);
            assert_eq!(differs, None, "track {track} after {is_offline} {first} {keeps}");
        }
        assert_eq!(alone_from(&session), None);
    }
}

#[test]
fn an_instance_that_is_not_linked_keeps_its_mics_and_its_sound_as_long_as_it_exists() {
    let mics = mics(4, 40_000);
    let mut session = Session::new(Mode::Live, 4);
    session.play(&[0, 1, 2, 3], &mics, 0, true);
    let together = session.heard(1).to_vec();
    session.rig.remove(2);
    session.rig.remove(0);
    session.rig.stream.call_absent();
    let owner = |identity, mic| Owner { identity, mics: mic..mic + 1, num_sides: 1 };
    let owners = session.rig.stream.owners();
    assert_eq!(owners, [owner(2, 1), owner(4, 3), owner(3, 2), owner(1, 0)]);
    assert_eq!(
        (session.rig.stream.mics_for(3, 1), session.rig.stream.mics_for(9, 1)),
        (Some(2..3), Some(4..5))
    );
    session.reset();
    session.play(&[1], &mics, 0, true);
    assert_eq!(first_difference(session.heard(1), &together), None);

    let ended = session.instances.remove(0);
    let freed = lock(&session.store).remove_instance(&ended);
    assert_eq!(freed.len(), 1);
    assert!(session.rig.stream.call_absent());
    assert_eq!(session.rig.stream.owners().len(), 3);
    session.reset();
    session.play(&[1], &mics, 0, true);
    assert!(first_difference(session.heard(1), &together).is_some(), "track 0 is heard");
}

/// The transport of the other tracks is stopped, and the host calls them all the same.
#[test]
fn a_rendered_track_comes_before_those_in_real_time() {
    let mics = mics(4, 60_000);
    let mut session = Session::new(Mode::Live, 4);
    session.play(&[0, 1, 2, 3], &mics, 0, true);
    let together = session.heard(2).to_vec();
    let steady = |sample| Some(Place { line: Line::Steady, sample: to_i64(sample) });
    let silence = vec![0.0; BLOCK];
    session.reset();
    let mut at = 0;
    let mut idle = |session: &mut Session, blocks| {
        for _ in 0..blocks {
            for track in [0, 1, 3] {
                let stamp = Stamp { is_offline: false, ..stamp(steady(at)) };
                session.rig.call_with(track, &silence, &stamp);
            }
            at += BLOCK;
        }
    };
    idle(&mut session, 40);
    session.rig.members[2].outlet.reset();
    for (block, samples) in mics[2].chunks(BLOCK).enumerate() {
        // The host may also work on something else for a while.
        idle(&mut session, if block % 50 == 30 { 90 } else { 1 });
        session.rig.call(2, samples, to_i64(block * BLOCK));
    }
    assert_eq!(first_difference(session.heard(2), &together), None);
    // Afterwards the others go on together.
    idle(&mut session, 300);
    let leader = session.rig.stream.tracks().iter().filter(|track| track.is_awaited).count();
    assert_eq!(leader, 3);
}

#[test]
fn memory_has_a_limit_and_the_oldest_sound_goes() {
    let mics = mics(2, 400_000);
    let mut session = Session::new(Mode::Live, 2);
    let page = (1 << 16) * size_of::<f32>();
    lock(&session.store).set_limit(5 * page);
    session.play(&[0, 1], &mics, 0, true);
    assert_eq!(lock(&session.store).bytes(), 5 * page);
    let kept = |session: &Session, first: usize| {
        let (mut out, mut found) = ([0.0], Vec::new());
        let store = lock(&session.store);
        store.play(session.shelf.key(), 1, to_i64(first), &mut [&mut out], &mut found);
        (!found.is_empty()).then_some(out[0])
    };
    assert_eq!((kept(&session, 0), kept(&session, 390_000)), (None, Some(mics[0][390_000])));
    session.shelf.clear();
    assert_eq!(kept(&session, 390_000), None);
    assert_eq!(lock(&session.store).bytes(), 0);
}

/// One track in true stereo, one with a silent second side, and one with the same sound twice.
#[test]
fn stereo_tracks_that_are_rendered_alone_sound_as_in_the_mix() {
    let mics = mics(4, 60_000);
    let silence = vec![0.0; 60_000];
    let pairs = [(0, Some(1)), (2, None), (3, Some(3))];
    let sides = pairs.map(|(first, second)| {
        let second = second.map_or(&silence, |mic: usize| &mics[mic]);
        [mics[first].clone(), second.clone()]
    });
    let mut session = Session::with(Mode::Live, &[2; 3]);
    session.play_sides(&[0, 1, 2], &sides);
    let together = session.both_sides();
    let is_equal = |session: &Session, track: usize| session.both_sides()[track] == together[track];
    for alone in 0..3 {
        session.reset();
        session.play_sides(&[alone], &sides);
        assert!(is_equal(&session, alone), "track {alone}");
    }
    // The instances that are not linked have as many mics as before, also the one in stereo.
    session.rig.remove(0);
    session.rig.remove(2);
    session.rig.stream.call_absent();
    let mics_of = |session: &Session, identity| {
        let owners = session.rig.stream.owners();
        owners.iter().find(|owner| owner.identity == identity).unwrap().mics.clone()
    };
    assert_eq!([1, 2, 3].map(|identity| mics_of(&session, identity).len()), [2, 1, 1]);
    session.reset();
    session.play_sides(&[1], &sides);
    assert!(is_equal(&session, 1));
    // After the session was opened again, nobody knows which track is in stereo.
    let mut again = Session::with(Mode::Live, &[2; 3]);
    again.store = Arc::clone(&session.store);
    again.shelf = session.shelf.clone();
    again.rig.stream.keep_on(Some(again.shelf.clone()));
    again.instances = session.instances.clone();
    again.rig.remove(0);
    again.rig.stream.call_absent();
    assert_eq!([1, 2, 3].map(|identity| mics_of(&again, identity).len()), [1; 3]);
    again.play_sides(&[1], &sides);
    assert!(is_equal(&again, 1));
    assert_eq!([1, 2, 3].map(|identity| mics_of(&again, identity).len()), [2, 1, 1]);
}

//! Linked instances on tracks of their own, in both formats, against one instance with all mics.

use std::time::{Duration, Instant};

use plugin::classes::{Class as _, Unspill8, UnspillLink};
use plugin::guard::param_id_hash;
use test_signals::Noise;

use super::host::{Host, SetUp, TestBus};
use super::instances::{clap, select, set};

const NUM_TRACKS: usize = 6;
const NUM_SAMPLES: usize = 48_000;
/// Time within which settings must reach the other instances.
const PATIENCE: Duration = Duration::from_secs(10);

/// Formats of the instances of one session.
#[derive(Clone, Copy, Debug)]
enum Formats {
    Clap,
    Vst3,
    Mixed,
}

/// Creates an instance on a mono track.
fn instance(formats: Formats, index: usize) -> Instance {
    let [clap, vst3] = select(&UnspillLink::DESC, 1);
    let is_vst3 = match formats {
        Formats::Clap => false,
        Formats::Vst3 => true,
        Formats::Mixed => index % 2 == 1,
    };
    let (chosen, other) = if is_vst3 { (vst3, clap) } else { (clap, vst3) };
    other.unload();
    Instance(Some(chosen))
}

/// Returns mics of sources that bleed into each other, `[mic][sample]`.
fn mics() -> Vec<Vec<f32>> {
    let sources: Vec<Vec<f32>> = (0..NUM_TRACKS)
        .map(|mic| {
            let mut noise = Noise::new(mic as u32 + 3);
            let is_on = |n: usize| (n / (3000 + 700 * mic)) % 3 != 1;
            (0..NUM_SAMPLES).map(|n| if is_on(n) { noise.draw() * 0.25 } else { 0.0 }).collect()
        })
        .collect();
    let mixed = |mic: usize, n: usize| -> f32 {
        let bleed = |source: usize| {
            let delay = 50 + 11 * source + 6 * mic;
            0.15 * n.checked_sub(delay).map_or(0.0, |at| sources[source][at])
        };
        sources[mic][n] + (0..NUM_TRACKS).filter(|&other| other != mic).map(bleed).sum::<f32>()
    };
    (0..NUM_TRACKS).map(|mic| (0..NUM_SAMPLES).map(|n| mixed(mic, n)).collect()).collect()
}

/// An instance that is unloaded at its end.
struct Instance(Option<Box<dyn Host>>);

impl std::ops::Deref for Instance {
    type Target = dyn Host;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap()
    }
}

impl std::ops::DerefMut for Instance {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_deref_mut().unwrap()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(mut host) = self.0.take() {
            host.deactivate();
            host.unload();
        }
    }
}

/// An instance on its track.
struct Track {
    host: Instance,
    mic: Vec<f32>,
    heard: Vec<f32>,
}

impl Track {
    /// Plays one block; beyond the end of the mic it is silent.
    fn play(&mut self, start: usize, length: usize) {
        let sample = |n: usize| self.mic.get(n).copied().unwrap_or(0.0);
        let block: Vec<f32> = (start..start + length).map(sample).collect();
        let (mut inputs, mut outputs) = ([TestBus::mono(&block)], [TestBus::output(1, length)]);
        self.host.go_to(Some(start as i64));
        assert!(self.host.process(&mut inputs, &mut outputs, length, &[]));
        self.heard.extend_from_slice(outputs[0].samples());
    }
}

fn tracks(formats: Formats, set_up: SetUp, mics: &[Vec<f32>]) -> Vec<Track> {
    let start = |(index, mic): (usize, &Vec<f32>)| {
        let mut host = instance(formats, index);
        assert!(host.activate(set_up));
        Track { host, mic: mic.clone(), heard: Vec::new() }
    };
    mics.iter().enumerate().map(start).collect()
}

/// Returns the output of one instance with all mics, without its latency.
fn oracle(mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut host = clap(&Unspill8::DESC);
    let set_up = SetUp { max_block: 512, offline: true, ..SetUp::default() };
    assert!(host.activate(set_up));
    let latency = host.latency() as usize;
    let mut heard = vec![Vec::new(); mics.len()];
    for start in (0..NUM_SAMPLES + latency).step_by(512) {
        let sample =
            |mic: usize, n: usize| mics.get(mic).and_then(|mic| mic.get(n)).copied().unwrap_or(0.0);
        let block =
            |mic: usize| -> Vec<f32> { (start..start + 512).map(|n| sample(mic, n)).collect() };
        let mut inputs: Vec<_> = (0..8).map(|mic| TestBus::mono(&block(mic))).collect();
        let mut outputs: Vec<_> = (0..8).map(|_| TestBus::output(1, 512)).collect();
        assert!(host.process(&mut inputs, &mut outputs, 512, &[]));
        for (heard, bus) in heard.iter_mut().zip(&outputs) {
            heard.extend_from_slice(bus.samples());
        }
    }
    heard.into_iter().map(|heard| heard[latency..].to_vec()).collect()
}

/// Plays silence until `holds` does.
#[track_caller]
fn wait_for(tracks: &[Track], label: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "{label}");
        std::thread::sleep(Duration::from_millis(5));
        for track in tracks {
            let (mut inputs, mut outputs) =
                ([TestBus::filled(1, 0.0, 64)], [TestBus::output(1, 64)]);
            assert!(track.host.process(&mut inputs, &mut outputs, 64, &[]));
            track.host.idle();
        }
    }
}

/// Sends a value to the processor, as a host does for automation.
fn send(track: &Track, id: &str, value: f64) {
    track.host.flush(&[(param_id_hash(id), value)]);
}

fn value(track: &Track, id: &str) -> f64 {
    track.host.param(param_id_hash(id))
}

#[test]
fn linked_tracks_sound_as_one_instance_with_all_mics_in_both_formats() {
    let mics = mics();
    let expected = oracle(&mics);
    let mut noise = Noise::new(21);
    for (formats, block) in [(Formats::Clap, 512), (Formats::Vst3, 100), (Formats::Mixed, 4096)] {
        let set_up = SetUp { max_block: block, offline: true, ..SetUp::default() };
        let mut tracks = tracks(formats, set_up, &mics);
        let latency = tracks[0].host.latency() as usize;
        for start in (0..NUM_SAMPLES + latency).step_by(block) {
            let mut order: Vec<usize> = (0..NUM_TRACKS).collect();
            order.sort_by_key(|_| noise.bits() >> 8);
            for track in order {
                tracks[track].play(start, block);
            }
        }
        for (index, (track, expected)) in tracks.iter().zip(&expected).enumerate() {
            let heard = &track.heard[latency..][..NUM_SAMPLES];
            let expected = &expected[..NUM_SAMPLES];
            let first = heard.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(first, None, "{formats:?}, track {index}");
            let cleaned = heard.iter().zip(&track.mic).filter(|(a, b)| a != b).count();
            assert!(cleaned > NUM_SAMPLES / 2, "{formats:?}, track {index}: {cleaned}");
        }
    }
}

#[test]
fn a_track_without_others_passes_unchanged() {
    let set_up = SetUp { max_block: 512, offline: true, ..SetUp::default() };
    let mics = mics();
    let mut tracks = tracks(Formats::Clap, set_up, &mics[..1]);
    let latency = tracks[0].host.latency() as usize;
    for start in (0..NUM_SAMPLES + latency).step_by(512) {
        tracks[0].play(start, 512);
    }
    assert!(tracks[0].heard[..latency].iter().all(|&sample| sample == 0.0));
    assert_eq!(tracks[0].heard[latency..][..NUM_SAMPLES], mics[0]);
}

#[test]
fn a_mode_chosen_in_one_instance_is_that_of_all_and_amounts_are_not() {
    let tracks = tracks(Formats::Mixed, SetUp::default(), &mics()[..3]);
    send(&tracks[1], "mic1_amount", 0.25);
    send(&tracks[1], "mode", 1.0);
    let everywhere = |id: &str, expected: f64| {
        wait_for(&tracks, id, || tracks.iter().all(|track| value(track, id) == expected));
    };
    everywhere("mode", 1.0);
    let amounts: Vec<_> = tracks.iter().map(|track| value(track, "mic1_amount")).collect();
    assert_eq!(amounts, [1.0, 0.25, 1.0]);
    // Every host hears of the change and of the new latency, which its next activation has.
    let others = [&tracks[0], &tracks[2]];
    wait_for(&tracks, "told", || others.iter().all(|track| track.host.value_notices() > 0));
    // The newest change counts, wherever it is made.
    send(&tracks[2], "mode", 0.0);
    everywhere("mode", 0.0);
}

#[test]
fn a_new_instance_takes_the_settings_of_the_session_and_another_session_does_not() {
    let mut tracks = tracks(Formats::Mixed, SetUp::default(), &mics()[..2]);
    send(&tracks[0], "mode", 1.0);
    wait_for(&tracks, "mode", || value(&tracks[1], "mode") == 1.0);
    let mut apart = instance(Formats::Clap, 0);
    set(&*apart, "session", 1.0 / 7.0);
    assert!(apart.activate(SetUp::default()));
    let mut new = instance(Formats::Vst3, 0);
    assert!(new.activate(SetUp::default()));
    tracks.push(Track { host: new, mic: Vec::new(), heard: Vec::new() });
    wait_for(&tracks, "mode of the new one", || value(&tracks[2], "mode") == 1.0);
    assert_eq!(apart.param(param_id_hash("mode")), 0.0);
}

/// Returns the identity in a saved state.
fn identity(host: &dyn Host) -> String {
    let state = String::from_utf8_lossy(&host.save()).replace('\\', "");
    let (_, rest) = state.split_once("\"identity\":\"").expect("an identity");
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn a_duplicated_track_becomes_a_member_of_its_own_and_a_reopened_one_stays_who_it_was() {
    let tracks = tracks(Formats::Clap, SetUp::default(), &mics()[..2]);
    let original = identity(&*tracks[0].host);
    let before = identity(&*tracks[1].host);
    let saved = tracks[0].host.save();
    assert!(tracks[1].host.load(&saved));
    wait_for(&tracks, "an identity", || identity(&*tracks[1].host) == before);
    assert_eq!(identity(&*tracks[0].host), original);
    drop(tracks);
    let mut again = instance(Formats::Clap, 0);
    assert!(again.load(&saved) && again.activate(SetUp::default()));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(identity(&*again), original);
}

/// Set-up of a host that renders.
const RENDERS: SetUp = SetUp { rate: 48_000.0, max_block: 512, offline: true };

/// Activates all tracks anew, plays them from the start, and returns their output without the
/// latency.
fn render(tracks: &mut [Track]) -> Vec<Vec<f32>> {
    let latency = tracks[0].host.latency() as usize;
    for track in &mut *tracks {
        track.host.deactivate();
        assert!(track.host.activate(RENDERS));
        track.heard.clear();
    }
    for start in (0..NUM_SAMPLES + latency).step_by(512) {
        tracks.iter_mut().for_each(|track| track.play(start, 512));
    }
    tracks.iter().map(|track| track.heard[latency..][..NUM_SAMPLES].to_vec()).collect()
}

/// Largest difference between two outputs, full scale 1.
fn apart(one: &[Vec<f32>], other: &[Vec<f32>]) -> f32 {
    let pairs = one.iter().flatten().zip(other.iter().flatten());
    pairs.fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

#[test]
fn a_passage_learned_in_one_window_is_saved_by_all_and_used_in_any_order_of_loading() {
    let mics = mics();
    let mut tracks = tracks(Formats::Mixed, RENDERS, &mics[..3]);
    let adaptive = render(&mut tracks);
    send(&tracks[1], "learn", 1.0);
    wait_for(&tracks, "learn", || tracks.iter().all(|track| value(track, "learn") == 1.0));
    let clean: Vec<usize> = tracks.iter().map(|track| track.host.dirty_notices()).collect();
    render(&mut tracks);
    send(&tracks[2], "learn", 0.0);
    wait_for(&tracks, "no learn", || tracks.iter().all(|track| value(track, "learn") == 0.0));
    assert!(tracks.iter().all(|track| value(track, "estimates") == 1.0));
    wait_for(&tracks, "to save", || {
        tracks.iter().zip(&clean).all(|(track, &before)| track.host.dirty_notices() > before)
    });
    let learned = render(&mut tracks);
    assert!(apart(&adaptive, &learned) > 1e-3, "the passage has an effect");
    let saved: Vec<Vec<u8>> = tracks.iter().map(|track| track.host.save()).collect();
    drop(tracks);

    let order = [2, 0, 1];
    let reopen = |&at: &usize| {
        let mut host = instance(Formats::Mixed, at);
        assert!(host.load(&saved[at]) && host.activate(RENDERS));
        Track { host, mic: mics[at].clone(), heard: Vec::new() }
    };
    let mut again: Vec<Track> = order.iter().map(reopen).collect();
    let heard = render(&mut again);
    let expected: Vec<Vec<f32>> = order.iter().map(|&at| learned[at].clone()).collect();
    assert_eq!(apart(&heard, &expected), 0.0);
}

/// Renders one track alone. The others are not called; if `is_active` is false, they are not active
/// either.
fn render_alone(tracks: &mut [Track], alone: usize, is_active: bool) -> Vec<f32> {
    for track in &mut *tracks {
        track.host.deactivate();
    }
    for (index, track) in tracks.iter_mut().enumerate() {
        assert!((index != alone && !is_active) || track.host.activate(RENDERS));
    }
    let track = &mut tracks[alone];
    let latency = track.host.latency() as usize;
    track.heard.clear();
    for start in (0..NUM_SAMPLES + latency).step_by(512) {
        track.play(start, 512);
    }
    track.heard[latency..][..NUM_SAMPLES].to_vec()
}

/// A host that freezes a track calls no other one, and may have deactivated those that are frozen.
#[test]
fn a_track_that_is_rendered_alone_sounds_as_in_the_mix_if_neighbours_are_kept() {
    let mics = mics();
    for formats in [Formats::Clap, Formats::Vst3] {
        let mut tracks = tracks(formats, RENDERS, &mics[..4]);
        let together = render(&mut tracks);
        for (alone, is_active) in [(2, true), (0, false), (3, false)] {
            let heard = render_alone(&mut tracks, alone, is_active);
            let first = heard.iter().zip(&together[alone]).position(|(a, b)| a != b);
            assert_eq!(first, None, "{formats:?}, track {alone}, {is_active}");
        }
        assert_eq!(render(&mut tracks), together, "{formats:?}");
        // One instance less, which nobody hears any more.
        tracks.remove(1);
        let heard = render_alone(&mut tracks, 1, false);
        assert!(heard != together[2], "a removed instance is still heard");
        assert!(heard != mics[2], "the others are not heard");
        // Switched off in one instance, and so in all.
        for track in &mut tracks {
            track.host.deactivate();
            assert!(track.host.activate(RENDERS));
        }
        send(&tracks[0], "keep", 0.0);
        wait_for(&tracks, "off", || tracks.iter().all(|track| value(track, "keep") == 0.0));
        assert_eq!(render_alone(&mut tracks, 1, false), mics[2]);
    }
}

#[test]
fn neighbours_that_are_kept_on_disk_are_there_when_the_project_is_opened_again() {
    let mics = mics();
    let mut tracks = tracks(Formats::Vst3, RENDERS, &mics[..3]);
    send(&tracks[2], "keep", 1.0);
    wait_for(&tracks, "on disk", || tracks.iter().all(|track| value(track, "keep") == 1.0));
    let together = render(&mut tracks);
    let saved: Vec<Vec<u8>> = tracks.iter().map(|track| track.host.save()).collect();
    drop(tracks);
    let reopen = |(saved, mic): (&Vec<u8>, &Vec<f32>)| {
        let mut host = instance(Formats::Vst3, 0);
        assert!(host.load(saved) && host.activate(RENDERS));
        Track { host, mic: mic.clone(), heard: Vec::new() }
    };
    let mut tracks: Vec<Track> = saved.iter().zip(&mics).map(reopen).collect();
    // The files are read in the background.
    let since = Instant::now();
    while render_alone(&mut tracks, 1, true) != together[1] {
        assert!(since.elapsed() < PATIENCE, "not as in the mix");
    }
}

/// Ardour freezes tracks and Qtractor exports them as if they were played, but far faster.
#[test]
fn a_host_that_renders_without_telling_is_waited_for() {
    const PLAYS: SetUp = SetUp { offline: false, ..RENDERS };
    // By then it is clear that the blocks come too fast.
    const CLEAR: usize = 24_000;
    let mics = mics();
    let expected = oracle(&mics);
    let mut tracks = tracks(Formats::Vst3, PLAYS, &mics);
    let latency = tracks[0].host.latency() as usize;
    let mut play = |of: &[usize]| {
        of.iter().for_each(|&track| tracks[track].heard.clear());
        for start in (0..NUM_SAMPLES + latency).step_by(512) {
            of.iter().for_each(|&track| tracks[track].play(start, 512));
        }
        of.iter().map(|&track| tracks[track].heard[latency..][..NUM_SAMPLES].to_vec()).collect()
    };
    let together: Vec<Vec<f32>> = play(&[0, 1, 2, 3, 4, 5]);
    for (track, (heard, expected)) in together.iter().zip(&expected).enumerate() {
        let differs = heard[CLEAR..].iter().zip(&expected[CLEAR..]).position(|(a, b)| a != b);
        assert_eq!(differs, None, "track {track}");
    }
    // Its neighbours are kept, and the estimates are better by now.
    let alone: Vec<Vec<f32>> = play(&[3]);
    let power =
        |samples: &[f32]| samples[CLEAR..].iter().map(|sample| sample * sample).sum::<f32>();
    let removed = |heard: &[f32]| -> f32 {
        power(&heard.iter().zip(&mics[3]).map(|(heard, mic)| heard - mic).collect::<Vec<_>>())
    };
    let share = removed(&alone[0]) / removed(&together[3]);
    assert!(share > 1.0, "{share} of the power is removed");
}

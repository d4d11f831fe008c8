//! Kept sound in files, across the end of all instances.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::panel::Panel;
use common::{NUM_TRACKS, Track, Watchdog, config, folder, join_with, mics};
use engine::Mode;
use link::Kept;
use link::segment::Folder;

const BLOCK: usize = 512;
const NUM_SAMPLES: usize = 72_192;

/// An instance.
struct Instance {
    track: Track,
    panel: Arc<Panel>,
    _kept: Kept,
}

/// Returns instances with the identities from `first` on: the tests share the memory of kept sound.
fn instances(
    folder: &Folder,
    first: u128,
    kept: Option<&Path>,
    mics: &[Vec<f32>],
) -> Vec<Instance> {
    let instance = |(number, mic): (usize, &Vec<f32>)| {
        let panel = Panel::new(first + number as u128, 7);
        panel.lock().keeps = true;
        panel.lock().kept_folder = kept.map(Path::to_owned);
        let kept = Kept::new(panel.clone());
        let track = Track::new(join_with(folder, &config(Mode::Live, BLOCK), panel.clone()), mic);
        Instance { track, panel, _kept: kept }
    };
    mics.iter().enumerate().map(instance).collect()
}

/// Renders some tracks from the start on.
fn render(instances: &mut [Instance], tracks: &[usize]) {
    for &track in tracks {
        instances[track].track.member.reset();
        instances[track].track.heard.clear();
    }
    for start in (0..NUM_SAMPLES).step_by(BLOCK) {
        for &track in tracks {
            instances[track].track.call(start, BLOCK, true);
        }
    }
}

fn num_files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[track_caller]
fn wait_for(label: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "{label}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_track_that_is_rendered_alone_after_the_program_began_anew_sounds_as_in_the_mix() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let (_temp, folder) = folder();
    let disk = tempfile::tempdir().unwrap();
    let files = disk.path().join("of unspill/kept");
    let mics = mics(NUM_SAMPLES);
    let all: Vec<usize> = (0..NUM_TRACKS).collect();
    for kept in [None, Some(files.as_path())] {
        let mut before = instances(&folder, 1, kept, &mics);
        render(&mut before, &all);
        let together: Vec<_> = before.iter().map(|of| of.track.heard.clone()).collect();
        drop(before);
        assert_eq!(num_files(&files), if kept.is_some() { NUM_TRACKS } else { 0 });

        let mut again = instances(&folder, 1, kept, &mics);
        render(&mut again, &[2]);
        if kept.is_some() {
            // The files are read in the background.
            wait_for("the files", || {
                render(&mut again, &[2]);
                again[2].track.heard == together[2]
            });
        } else {
            assert!(again[2].track.heard != together[2], "nothing was kept");
        }
    }
}

#[test]
fn files_end_when_they_are_switched_off_and_an_error_is_told() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let (_temp, folder) = folder();
    let disk = tempfile::tempdir().unwrap();
    let files = disk.path().join("kept");
    let mics = mics(NUM_SAMPLES);
    let mut instances = instances(&folder, 101, Some(&files), &mics);
    render(&mut instances, &[0, 1]);
    wait_for("files", || num_files(&files) == NUM_TRACKS);
    let set = |kept: Option<&Path>| {
        for Instance { panel, .. } in &instances {
            panel.lock().kept_folder = kept.map(Path::to_owned);
        }
    };
    set(None);
    wait_for("no files", || num_files(&files) == 0);
    let watcher = instances[0].track.member.watcher();
    assert_eq!(watcher.kept_trouble(), None);
    let taken = disk.path().join("a file");
    std::fs::write(&taken, "not a folder").unwrap();
    set(Some(&taken));
    wait_for("an error", || watcher.kept_trouble().is_some());
    let told = watcher.kept_trouble().unwrap();
    assert!(told.contains("a file"), "{told}");
}

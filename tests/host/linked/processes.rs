//! Linked instances in two processes.

use std::process::Command;

use host::linked::SessionConfig;
use host::linked::remote::{Remote, serve};
use tests::{isolated, same_bits};

use super::{Bundles, Formats, LIMIT, MEETING, RATE_HZ, session, take};
use host::linked::TrackConfig;

/// Variable that makes this program play for another process.
const ROLE_VARIABLE: &str = "UNSPILL_TEST_SERVES";
const BLOCK: usize = 480;
/// First track of the other process.
const SECOND: usize = 3;

/// The part of the other process; without a role there is nothing to do.
#[test]
fn role_of_a_started_process() {
    if std::env::var_os(ROLE_VARIABLE).is_some() {
        serve(&Bundles::load().clap).unwrap();
    }
}

/// Returns the command for another process that plays linked instances.
pub(super) fn other() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = "linked::processes::role_of_a_started_process";
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(ROLE_VARIABLE, "1");
    command
}

#[test]
fn two_processes_give_the_samples_of_one_instance() {
    let name = "linked::processes::two_processes_give_the_samples_of_one_instance";
    isolated(name, LIMIT, || {
        let bundles = Bundles::load();
        let take = take(&bundles, 2 * RATE_HZ as usize, &[]);
        let files = tempfile::tempdir().unwrap();
        let others: Vec<&[f32]> = take.mics[SECOND..].iter().map(Vec::as_slice).collect();
        let config = SessionConfig::new(RATE_HZ, BLOCK);
        let own = &take.mics[..SECOND];
        let mut session = session(&bundles, Formats::Clap, config, own, |_| TrackConfig::default());
        let mut remote = Remote::start(other(), files.path(), RATE_HZ, BLOCK, &others).unwrap();
        std::thread::sleep(MEETING);
        let latency = session.latency_samples(0).unwrap();
        let num_samples = take.mics[0].len();
        for start in (0..num_samples + latency).step_by(BLOCK) {
            // The processes take turns in being first.
            if (start / BLOCK).is_multiple_of(2) {
                remote.play(BLOCK).unwrap();
                session.play(BLOCK).unwrap();
            } else {
                session.play(BLOCK).unwrap();
                remote.play(BLOCK).unwrap();
            }
        }
        let mut heard: Vec<Vec<f32>> =
            (0..SECOND).map(|track| session.take(track).unwrap().heard.remove(0)).collect();
        heard.extend(remote.heard(files.path(), others.len()).unwrap());
        for (track, (heard, expected)) in heard.iter().zip(&take.cleaned).enumerate() {
            if let Err(error) = same_bits(&heard[latency..][..num_samples], expected) {
                panic!("track {track}: {error}");
            }
        }
    });
}

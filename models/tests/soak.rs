//! Hours of a host with usual actions in random order: `cargo xtask soak`. As a test it simulates
//! twenty seconds.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]
#![allow(clippy::print_stdout, reason = "the table is what the long run is for")]

use std::sync::Arc;
use std::time::Instant;

use engine::{
    Controls, Decibels, Estimates, GroupId, Learned, Listen, Mode, Pace, Role, SampleRate, Session,
    SessionConfig, SessionMethod, abandoned_workers,
};

/// Environment variables of a long run: simulated time in hours, number of mics, random seed.
const HOURS_VARIABLE: &str = "UNSPILL_SOAK_HOURS";
const MICS_VARIABLE: &str = "UNSPILL_SOAK_MICS";
const SEED_VARIABLE: &str = "UNSPILL_SOAK_SEED";

/// Simulated time of a test run, in seconds.
const SHORT_S: f64 = 20.0;
const RATE_HZ: u32 = 44_100;
const LONGEST_BLOCK: usize = 8192;
/// Longest stop of the transport, in seconds. Hosts are stopped for most of a day.
const LONGEST_PAUSE_S: usize = 600;
/// Number of rows of the table.
const ROWS: u64 = 24;
/// Largest growth of the memory after the first quarter, in MiB. A passage of three minutes takes
/// up to 256 MiB while it is learned. Allocators retain the rest.
const MOST_GROWTH_MIB: f64 = 320.0;

/// Linear congruential generator of Knuth's MMIX. Only its upper bits are used.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 40).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn happens(&mut self, in_a_thousand: usize) -> bool {
        self.below(1000) < in_a_thousand
    }

    /// Returns a number from 0 to 1.
    fn share(&mut self) -> f32 {
        self.next() as f32 / (1 << 24) as f32
    }
}

/// A host and its one instance.
struct Host {
    random: Random,
    num_mics: usize,
    mode: Mode,
    pace: Pace,
    controls: Controls,
    learned: Option<Arc<Learned>>,
    session: Option<Session>,
    /// Input, `[mic][sample]`.
    mics: Vec<Vec<f32>>,
    /// Current level of each mic, linear; 0 is digital silence.
    levels: Vec<f32>,
    /// Longest stop of the transport, in samples.
    longest_pause: usize,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    samples: u64,
    /// Samples with a stopped transport, included in `samples`.
    paused: u64,
    late_hops: u64,
    lost_hops: u64,
    seeks: u64,
    activations: u64,
    passages: u64,
}

impl Host {
    fn new(num_mics: usize, seed: u64, longest_pause: usize) -> Self {
        let mut host = Self {
            random: Random(seed),
            num_mics,
            mode: Mode::Live,
            pace: Pace::Offline,
            controls: Controls::default(),
            learned: None,
            session: None,
            mics: vec![vec![0.0; LONGEST_BLOCK]; num_mics],
            levels: vec![0.1; num_mics],
            longest_pause,
            counts: Counts::default(),
        };
        host.activate();
        host
    }

    fn config(&mut self) -> SessionConfig {
        SessionConfig {
            rate: SampleRate::new(RATE_HZ as f32).unwrap(),
            num_mics: self.num_mics,
            mode: self.mode,
            pace: self.pace,
            max_block_samples: [64, 512, 4096][self.random.below(3)],
        }
    }

    /// Prepares a new session with the estimates that the last one learned.
    fn activate(&mut self) {
        self.deactivate();
        let config = self.config();
        let model = self.random.happens(800).then(|| &models::released().unwrap().model);
        let learned = self.learned.clone();
        let session =
            Session::prepare(&config, &self.controls, SessionMethod::Own { model, learned });
        self.session = Some(session.unwrap());
        self.counts.activations += 1;
    }

    fn deactivate(&mut self) {
        let Some(session) = self.session.take() else { return };
        self.count(&session);
        let learner = session.learner();
        session.finish();
        self.learned = learner.collect().or(self.learned.take());
    }

    /// Prepares the same session for other blocks or another pace.
    fn activate_again(&mut self) {
        let session = self.session.take().unwrap();
        self.count(&session);
        self.pace = if self.random.happens(700) { Pace::Offline } else { Pace::Realtime };
        let config = self.config();
        self.session = Some(session.prepare_again(&config, &self.controls).unwrap());
        self.counts.activations += 1;
    }

    fn count(&mut self, session: &Session) {
        let stats = session.stats();
        assert!(!stats.worker_failed(), "the worker has failed");
        let waits = self.pace == Pace::Offline;
        assert!(!waits || stats.late_hops() + stats.lost_hops() == 0, "late although waited for");
        self.counts.late_hops += stats.late_hops();
        self.counts.lost_hops += stats.lost_hops();
    }

    /// Plays up to about a second of music in blocks of one size, then performs a usual action of a
    /// host or an engineer.
    fn scene(&mut self) {
        let size = [1, 17, 64, 441, 512, 1024, 4096, LONGEST_BLOCK][self.random.below(8)];
        let blocks = (RATE_HZ as usize / size + 1).min(200 + self.random.below(1000));
        for _ in 0..blocks {
            if self.random.happens(30) {
                self.turn_a_knob();
            }
            self.block(size);
        }
        for level in &mut self.levels {
            *level = [0.0, 0.0, 1e-3, 0.1, 0.5][self.random.below(5)];
        }
        match self.random.below(12) {
            0 | 1 => {
                self.session.as_mut().unwrap().reset();
                self.counts.seeks += 1;
            }
            2 => self.activate_again(),
            3 => {
                self.mode = if self.random.happens(500) { Mode::Live } else { Mode::Mix };
                self.activate();
            }
            4 | 5 => {
                let (next, passages) = match self.controls.estimates {
                    Estimates::Learning => (Estimates::Learned, 1),
                    Estimates::Learned => (Estimates::Adaptive, 0),
                    _ => (Estimates::Learning, 0),
                };
                self.controls.estimates = next;
                self.counts.passages += passages;
            }
            6 => {
                let session = self.session.as_ref().unwrap();
                let mic = self.random.happens(500).then(|| self.random.below(self.num_mics));
                session.monitor().watch(mic);
            }
            7 => {
                let learner = self.session.as_ref().unwrap().learner();
                self.learned = learner.collect().or(self.learned.take());
                if self.random.happens(200) {
                    learner.call_off(None);
                }
            }
            8 => self.stand_still(),
            _ => {}
        }
    }

    /// Stops the transport. Hosts continue with blocks of digital silence.
    fn stand_still(&mut self) {
        let levels = self.levels.clone();
        self.levels.fill(0.0);
        let seconds = 1 + self.random.below(LONGEST_PAUSE_S);
        // At most a tenth of the whole run.
        let blocks = (seconds * RATE_HZ as usize).min(self.longest_pause) / LONGEST_BLOCK;
        for _ in 0..blocks {
            self.block(LONGEST_BLOCK);
        }
        self.levels = levels;
        self.counts.paused += (blocks * LONGEST_BLOCK) as u64;
    }

    fn turn_a_knob(&mut self) {
        let (mic, other) = (self.random.below(self.num_mics), self.random.below(self.num_mics));
        let amount = self.random.share();
        let controls = &mut self.controls;
        match self.random.below(6) {
            0 => controls.global_amount = amount,
            1 => controls.mics[mic].amount = amount,
            2 => controls.mics[mic].floor = Decibels(-40.0 * amount),
            3 => {
                let listen = [Listen::Clean, Listen::Removed, Listen::Dry, Listen::Mute];
                controls.mics[mic].listen = listen[self.random.below(4)];
            }
            4 => controls.pair_amount[mic][other] = amount,
            _ => {
                controls.mics[mic].role = [Role::Close, Role::Room][self.random.below(2)];
                controls.mics[mic].group = [None, Some(GroupId(1))][self.random.below(2)];
            }
        }
    }

    fn make_sound(&mut self, size: usize) {
        for at in 0..size {
            let shared = 0.1 * (self.random.share() - 0.5);
            for (mic, level) in self.mics.iter_mut().zip(&self.levels) {
                let own = self.random.share() - 0.5;
                mic[at] = if *level > 0.0 { level * own + shared } else { 0.0 };
            }
        }
    }

    fn block(&mut self, size: usize) {
        // Digital silence needs no random numbers.
        if self.levels.iter().all(|&level| level == 0.0) {
            self.mics.iter_mut().for_each(|mic| mic[..size].fill(0.0));
        } else {
            self.make_sound(size);
        }
        if self.random.happens(2) {
            self.mics[0][0] = [f32::NAN, f32::INFINITY, 1e30][self.random.below(3)];
        }
        let session = self.session.as_mut().unwrap();
        session.set_controls(&self.controls);
        let mut slices: Vec<&mut [f32]> =
            self.mics.iter_mut().map(|mic| &mut mic[..size]).collect();
        session.process(&mut slices).unwrap();
        let are_finite = self.mics.iter().all(|mic| mic[..size].iter().all(|x| x.is_finite()));
        assert!(are_finite, "what comes out is finite");
        let monitor = session.monitor();
        while let Some(snapshot) = monitor.take() {
            assert!(snapshot.settled.is_finite());
            monitor.give_back(snapshot);
        }
        self.counts.samples += size as u64;
    }
}

/// Returns the resident memory of this process in MiB and its number of threads, or zeros on
/// systems other than Linux.
fn held() -> (f64, u64) {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    (field("VmRSS:").unwrap_or(0) as f64 / 1024.0, field("Threads:").unwrap_or(0))
}

#[test]
fn hours_of_a_host_leave_nothing_behind() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<f64>().ok());
    let seconds = number(HOURS_VARIABLE).map_or(SHORT_S, |hours| 3600.0 * hours);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
    let (num_mics, seed, end) = (
        number(MICS_VARIABLE).unwrap_or(3.0) as usize,
        number(SEED_VARIABLE).unwrap_or(1.0) as u64,
        (seconds * f64::from(RATE_HZ)) as u64,
    );
    println!("{num_mics} mics, random seed {seed}");
    println!(
        "| simulated | stopped | took | memory | threads | late | lost | seeks | activations | \
         passages |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let longest_pause = usize::try_from(end / 10).unwrap();
    let mut host = Host::new(num_mics, seed, longest_pause);
    let began = Instant::now();
    let (mut row, mut early_mib, mut most_mib) = (0, 0.0_f64, 0.0_f64);
    while host.counts.samples < end {
        host.scene();
        if host.counts.samples * ROWS < row * end {
            continue;
        }
        let (mib, threads) = held();
        most_mib = most_mib.max(mib);
        if row <= ROWS / 4 {
            early_mib = most_mib;
        }
        row = host.counts.samples * ROWS / end.max(1) + 1;
        let Counts { samples, paused, late_hops, lost_hops, seeks, activations, passages } =
            host.counts;
        println!(
            "| {:.1} min | {:.0} % | {:.1} min | {mib:.0} MiB | {threads} | {late_hops} | \
             {lost_hops} | {seeks} | {activations} | {passages} |",
            samples as f64 / f64::from(RATE_HZ) / 60.0,
            100.0 * paused as f64 / samples as f64,
            began.elapsed().as_secs_f64() / 60.0,
        );
    }
    host.deactivate();
    let Counts { seeks, activations, .. } = host.counts;
    assert!(seconds < SHORT_S || activations > 2 && seeks > 0, "a host that does nothing");
    assert_eq!(abandoned_workers(), 0);
    assert!(most_mib - early_mib < MOST_GROWTH_MIB, "{early_mib} MiB became {most_mib} MiB");
}

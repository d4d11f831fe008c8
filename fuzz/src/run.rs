//! Runs one target on many inputs and reports the input that fails.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use test_memory::{Counts, measure_within};

use crate::mutate::mutate;
use crate::random::Random;

/// Longest run of the reader on one input.
pub const CASE_LIMIT: Duration = Duration::from_secs(20);

/// Environment variable with the length of a run in seconds, instead of the target's number
/// of cases.
const SECONDS_VARIABLE: &str = "UNSPILL_FUZZ_SECONDS";
/// Environment variable with the random seed; the default is 1, or the time for a run of
/// that length.
const SEED_VARIABLE: &str = "UNSPILL_FUZZ_SEED";

/// Factor above the memory limit at which an allocation fails, which ends the program.
const HARD_LIMIT: usize = 8;
/// Largest number of inputs kept for further mutation.
const MOST_SEEDS: usize = 2000;
/// Longest error message in characters.
const MOST_LINE_CHARS: usize = 2000;

/// The outcome for one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reader accepted the input, and the result is consistent; the text names the kind
    /// of result.
    Accepted(String),
    /// The reader refused the input with this error message.
    Refused(String),
}

/// A reader to fuzz.
#[derive(Debug)]
pub struct Target<'a> {
    /// Name of the target on the command line, and of its folder in `fuzz/seeds`.
    pub name: &'a str,
    /// Seeds in addition to those in the folder.
    pub seeds: Vec<Vec<u8>>,
    /// Words of the input format, to insert.
    pub words: &'a [&'a [u8]],
    /// Repairs an input after mutation, for example its checksums, which readers check first.
    pub mend: fn(&mut [u8]),
    /// Memory allowed for any input, in bytes.
    pub base_bytes: usize,
    /// Additional memory allowed for each byte of input, in bytes.
    pub bytes_per_byte: usize,
    /// Number of inputs in a run of the tests.
    pub cases: u64,
}

impl Target<'_> {
    /// Returns the memory limit for an input of this length, in bytes.
    #[must_use]
    pub fn most_bytes(&self, input_bytes: usize) -> usize {
        self.base_bytes.saturating_add(input_bytes.saturating_mul(self.bytes_per_byte))
    }

    fn all_seeds(&self) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(self.name);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|f| f.path()).collect();
        files.sort();
        let mut seeds = self.seeds.clone();
        seeds.extend(files.iter().filter_map(|file| std::fs::read(file).ok()));
        seeds
    }
}

/// Runs the target on its seeds and then on mutations of them; returns the number of
/// accepted inputs.
///
/// # Panics
///
/// If a property of the package is violated; the input is stored in `target/fuzz`.
pub fn run(target: &Target<'_>, read: impl Fn(&[u8]) -> Outcome + Sync) -> u64 {
    quieten_panics();
    let clock = AtomicU64::new(0);
    let run = Run { target, read: &read, clock: &clock };
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| run.all());
        let (mut before, mut since) = (0, Instant::now());
        while !runner.is_finished() {
            std::thread::park_timeout(Duration::from_millis(20));
            // Relaxed: the counter guards no other data.
            let now = clock.load(Ordering::Relaxed);
            if now != before {
                (before, since) = (now, Instant::now());
            } else if since.elapsed() > CASE_LIMIT {
                eprintln_plain(&format!(
                    "fuzz {}: an input takes more than {CASE_LIMIT:?}: {}",
                    target.name,
                    run.file("current").display()
                ));
                std::process::abort();
            }
        }
        match runner.join() {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(failure)) => panic_with(&failure),
            Err(_) => panic_with("the fuzzer itself failed"),
        }
    })
}

struct Run<'a> {
    target: &'a Target<'a>,
    read: &'a (dyn Fn(&[u8]) -> Outcome + Sync),
    /// Number of inputs so far.
    clock: &'a AtomicU64,
}

impl Run<'_> {
    fn file(&self, ending: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
        folder.join(format!("{}.{ending}", self.target.name))
    }

    fn all(&self) -> Result<u64, String> {
        let Target { name, words, mend, cases, .. } = *self.target;
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let seconds = number(SECONDS_VARIABLE);
        let day = std::time::UNIX_EPOCH.elapsed().map_or(1, |elapsed| elapsed.as_secs());
        let seed = number(SEED_VARIABLE).unwrap_or(if seconds.is_some() { day } else { 1 });
        let mut random = Random(seed);
        let mut seeds = self.target.all_seeds();
        // Accepted inputs lead deeper into the reader than refused ones, which have more kinds.
        let mut fine = seeds.clone();
        let _ = std::fs::create_dir_all(self.file("current").parent().unwrap_or(Path::new(".")));
        let (mut accepted, mut num_cases, mut kinds) = (0, 0, HashSet::new());
        let mut accept = |outcome: Outcome| match outcome {
            Outcome::Accepted(kind) => {
                accepted += 1;
                kinds.insert(kind)
            }
            Outcome::Refused(line) => kinds.insert(without_details(&line)),
        };
        for seed in &seeds {
            accept(self.one(seed)?);
        }
        if seeds.is_empty() {
            return Err(format!("fuzz {name}: there are no seeds"));
        }
        let since = Instant::now();
        let goes_on = |done: u64| match seconds {
            Some(seconds) => since.elapsed().as_secs() < seconds,
            None => done < cases,
        };
        while goes_on(num_cases) {
            let from = if random.below(4) > 0 { &fine } else { &seeds };
            let mut input = from[random.below(from.len())].clone();
            let other = seeds[random.below(seeds.len())].clone();
            mutate(&mut input, &other, words, &mut random);
            mend(&mut input);
            let outcome = self
                .one(&input)
                .map_err(|failure| format!("{failure} (random seed {seed}, case {num_cases})"))?;
            let is_fine = matches!(outcome, Outcome::Accepted(_));
            if accept(outcome) && seeds.len() < MOST_SEEDS {
                if is_fine {
                    fine.push(input.clone());
                }
                seeds.push(input);
            }
            num_cases += 1;
        }
        let _ = std::fs::remove_file(self.file("current"));
        let num_kinds = kinds.len();
        let took_s = since.elapsed().as_secs_f64();
        eprintln_plain(&format!(
            "fuzz {name}: {num_cases} inputs in {took_s:.1} s, {accepted} accepted, \
             {num_kinds} kinds of outcome, random seed {seed}"
        ));
        Ok(accepted)
    }

    /// Runs the target on one input; shortens and stores an input that fails.
    fn one(&self, input: &[u8]) -> Result<Outcome, String> {
        // If the input ends the program, this file remains.
        let _ = std::fs::write(self.file("current"), input);
        let failure = match self.judged(input) {
            Ok(outcome) => return Ok(outcome),
            Err(failure) => failure,
        };
        let (input, failure) = self.shortened(input.to_vec(), failure);
        let file = self.file("failed");
        let kept = match std::fs::write(&file, &input) {
            Ok(()) => file.display().to_string(),
            Err(error) => format!("nowhere ({error}): {input:02x?}"),
        };
        let (name, length) = (self.target.name, input.len());
        Err(format!("fuzz {name}: {failure}; the input of {length} bytes is in {kept}"))
    }

    /// Returns the outcome, or a message that names the violated property.
    fn judged(&self, input: &[u8]) -> Result<Outcome, String> {
        // Relaxed: the counter guards no other data.
        self.clock.fetch_add(1, Ordering::Relaxed);
        let most_bytes = self.target.most_bytes(input.len());
        LAST_PANIC.set(None);
        IS_QUIET.set(true);
        let (outcome, Counts { peak_bytes, .. }) =
            measure_within(most_bytes.saturating_mul(HARD_LIMIT), || {
                catch_unwind(AssertUnwindSafe(|| (self.read)(input)))
            });
        IS_QUIET.set(false);
        let Ok(outcome) = outcome else {
            return Err(LAST_PANIC.take().unwrap_or_else(|| "a panic".to_owned()));
        };
        if peak_bytes > most_bytes {
            return Err(format!("it takes {peak_bytes} bytes of memory, more than {most_bytes}"));
        }
        if let Outcome::Refused(line) = &outcome {
            let is_one_line = !line.trim().is_empty() && !line.chars().any(char::is_control);
            if !is_one_line || line.chars().count() > MOST_LINE_CHARS {
                return Err(format!("it is not refused in one line: {line:?}"));
            }
        }
        Ok(outcome)
    }

    /// Removes parts of the input as long as the failure stays the same.
    fn shortened(&self, mut input: Vec<u8>, mut failure: String) -> (Vec<u8>, String) {
        let since = Instant::now();
        let mut part = input.len() / 2;
        while part > 0 && since.elapsed() < CASE_LIMIT {
            let mut at = 0;
            while at < input.len() && since.elapsed() < CASE_LIMIT {
                let mut shorter = input.clone();
                shorter.drain(at..(at + part).min(input.len()));
                match self.judged(&shorter) {
                    Err(other) if without_details(&other) == without_details(&failure) => {
                        (input, failure) = (shorter, other);
                    }
                    _ => at += part,
                }
            }
            part /= 2;
        }
        (input, failure)
    }
}

/// Removes numbers and quoted parts from a message, which leaves the kind of outcome.
fn without_details(line: &str) -> String {
    let mut kind = String::new();
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '`' | '"' => is_quoted = !is_quoted,
            _ if is_quoted || c.is_ascii_digit() => {}
            _ => kind.push(c),
        }
    }
    kind.chars().take(200).collect()
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs a hook that stores panics caused by inputs instead of printing them.
fn quieten_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if IS_QUIET.get() {
                LAST_PANIC.set(Some(info.to_string().replace('\n', " ")));
            } else {
                before(info);
            }
        }));
    });
}

#[allow(clippy::panic, reason = "a broken promise fails the test that runs the target")]
fn panic_with(failure: &str) -> ! {
    panic!("{failure}")
}

#[allow(clippy::print_stderr, reason = "figures for whoever runs it for long")]
fn eprintln_plain(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &'static str) -> Target<'static> {
        Target {
            name,
            seeds: vec![b"length=4;abcd".to_vec()],
            words: &[b"length="],
            mend: |_| (),
            base_bytes: 1 << 16,
            bytes_per_byte: 16,
            cases: 5000,
        }
    }

    /// Reads `length=NUMBER;BYTES`; the tests add faults to it.
    fn length(input: &[u8]) -> Option<usize> {
        let digits = input.strip_prefix(b"length=")?.split(|&byte| byte == b';').next()?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    fn failure(name: &'static str, read: impl Fn(&[u8]) -> Outcome + Sync) -> String {
        let failed = catch_unwind(AssertUnwindSafe(|| run(&target(name), read)));
        *failed.expect_err("a fault is found").downcast::<String>().unwrap()
    }

    fn fine() -> Outcome {
        Outcome::Accepted("fine".to_owned())
    }

    #[test]
    fn a_reader_without_faults_passes() {
        let accepted = run(&target("test-fine"), |input| match length(input) {
            Some(_) => fine(),
            None => Outcome::Refused("no length".to_owned()),
        });
        assert!(accepted > 300, "{accepted}");
    }

    #[test]
    fn a_panic_is_found_and_its_input_made_short() {
        let failure = failure("test-panic", |input| {
            let count = length(input).unwrap_or(0);
            assert!(count < 1000, "the reader cannot count so far");
            fine()
        });
        assert!(failure.contains("cannot count so far"), "{failure}");
        let kept = std::fs::read(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz/test-panic.failed"),
        );
        let kept = kept.unwrap();
        assert!(length(&kept).unwrap() >= 1000 && kept.len() <= 11 + 8, "{kept:?}");
    }

    #[test]
    fn memory_that_the_input_does_not_justify_is_found() {
        let failure = failure("test-memory", |input| {
            let count = length(input).unwrap_or(0).min(300_000);
            std::hint::black_box(vec![0_u8; count]);
            fine()
        });
        assert!(failure.contains("bytes of memory"), "{failure}");
    }

    #[test]
    fn errors_of_several_lines_are_found() {
        let failure = failure("test-lines", |input| match length(input) {
            Some(_) => fine(),
            None => Outcome::Refused("no length\nat all".to_owned()),
        });
        assert!(failure.contains("one line"), "{failure}");
    }
}

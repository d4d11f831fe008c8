//! The lab's command line, usually started by `cargo xtask`.
#![allow(clippy::print_stderr, reason = "these are commands for a terminal")]

use anyhow::{Context, Result};
use audiofile::{Destination, Existing, signals};
use clap::{Parser, Subcommand};
use lab::benchmark::{self, BenchmarkOptions};
use lab::debleed::{self, DebleedOptions};
use lab::evaluate::{self, EvaluateOptions};
use lab::report;
use lab::scenes::demo;
use lab::scenes::simulate::{self, SimulateOptions};
use lab::soundfont;
use lab::train::experiment::ExperimentOptions;
use lab::train::{self, ExportOptions, TrainOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(
    name = "lab",
    about = "Clean files, simulate scenes, train networks and evaluate methods"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Remove bleed from the mics of a session
    Debleed(Box<DebleedOptions>),
    /// Evaluate methods on scenes with known truth
    Evaluate(Box<EvaluateOptions>),
    /// Compare the cleaned demo session with its truth in a table and a picture
    DemoReport {
        /// Folder of mic1_NAME.flac, target1_NAME.flac, …
        #[arg(long)]
        session: PathBuf,
        /// Folder of the cleaned mic1_NAME.wav, …
        #[arg(long)]
        cleaned: PathBuf,
        /// Folder for before-after.png and metrics.json
        #[arg(long)]
        out: PathBuf,
        /// Replace existing files
        #[arg(long)]
        overwrite: bool,
    },
    /// Compose and record the demo session
    MakeDemo {
        /// Folder for mic1_kick.flac, target1_kick.flac, …
        #[arg(long)]
        out: PathBuf,
        /// Random seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// SoundFont file with the instruments
        #[arg(long, default_value = soundfont::DEFAULT_PATH)]
        soundfont: PathBuf,
        /// Replace existing files
        #[arg(long)]
        overwrite: bool,
    },
    /// Evaluate all methods on the benchmark scenes
    Benchmark(Box<BenchmarkOptions>),
    /// Simulate scenes with known truth from a recipe
    Simulate(Box<SimulateOptions>),
    /// Train the network, or continue a training
    Train(TrainOptions),
    /// Train and compare small networks that differ in one property
    Experiment(ExperimentOptions),
    /// Create a model from the weights of a training
    Export(ExportOptions),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    signals::survive_file_limit()?;
    match command {
        Command::Debleed(options) => {
            let is_taken = options.json.as_deref().is_some_and(Destination::names_stdout);
            // A closed standard error does not end the run.
            let tell = |line: &str| drop(writeln!(std::io::stderr(), "{line}"));
            let report = debleed::run(&options, &tell)?;
            show(&report.table(), is_taken)?;
        }
        Command::Evaluate(options) => {
            let json = options.check_outputs()?;
            let is_taken = json.as_ref().is_some_and(Destination::is_stdout);
            let evaluation = evaluate::evaluate(&options, |scene| {
                // Progress of long runs; the table follows at the end.
                eprintln!("{} {} done, RTF {:.3}", scene.scene, scene.method, scene.rtf);
            })?;
            if let Some(json) = json {
                json.write(report::json::bytes(&evaluation.methods)?)?;
            }
            show(&evaluate::table(&evaluation.methods), is_taken)?;
        }
        Command::DemoReport { session, cleaned, out, overwrite } => {
            let existing = Existing::overwritten(overwrite);
            let report = report::demo_report(&session, &cleaned, &out, existing)?;
            say(&format!("{}\npicture: {}\n", report.table(), report.picture.display()))?;
        }
        Command::MakeDemo { out, seed, soundfont, overwrite } => {
            demo::check_free(&out, Existing::overwritten(overwrite))?;
            let instruments = soundfont::Instruments::load(&soundfont)?;
            let scene = demo::render(&instruments, seed)?;
            demo::write(&scene, &out)?;
            say(&format!("{}  {}\n", out.display(), describe(&scene.info)))?;
        }
        Command::Benchmark(options) => {
            let outputs = options.check_outputs()?;
            let places = [&outputs.json, &outputs.markdown];
            let is_taken = places.into_iter().flatten().any(Destination::is_stdout);
            let results = benchmark::run(&options, |part, scene| {
                let part = part.title();
                eprintln!("{part}: {} {} done, RTF {:.3}", scene.scene, scene.method, scene.rtf);
            })?;
            if let Some(json) = outputs.json {
                json.write(report::json::bytes(&results)?)?;
            }
            if let Some(markdown) = outputs.markdown {
                markdown.write(benchmark::markdown(&results).into_bytes())?;
            }
            show(&benchmark::text(&results), is_taken)?;
        }
        Command::Simulate(options) => {
            let summary = simulate::run(&options)?;
            say(&format!("{}\n", summary.line(&options.out)))?;
        }
        Command::Train(options) => {
            // A closed standard error does not end hours of work.
            let tell = |line: &str| drop(writeln!(std::io::stderr(), "{line}"));
            let outcome = train::run(&options, &tell)?;
            say(&format!("{}\n", outcome.line()))?;
        }
        Command::Experiment(options) => {
            let tell = |line: &str| drop(writeln!(std::io::stderr(), "{line}"));
            say(&train::experiment::run(&options, &tell)?)?;
        }
        Command::Export(options) => {
            say(&format!("{}\n", train::export(&options)?.display()))?;
        }
    }
    Ok(())
}

/// Prints text for people, to standard error if standard output carries the content of a file.
fn show(text: &str, stdout_is_taken: bool) -> Result<()> {
    if stdout_is_taken {
        // Standard error may be closed.
        let _ = std::io::stderr().write_all(text.as_bytes());
        return Ok(());
    }
    say(text)
}

/// Prints to standard output; a closed pipe (`| head`) is no error.
fn say(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not print"),
    }
}

fn describe(info: &lab::scenes::SceneInfo) -> String {
    let level = |level: &Option<f64>| level.map_or("silent".to_owned(), |db| format!("{db:.1}"));
    let mics = info.names.iter().zip(&info.input_sdr_db);
    mics.map(|(name, sdr)| format!("{name} {}", level(sdr))).collect::<Vec<_>>().join(", ")
}

//! The lab's command line, usually started by `cargo xtask`.
#![allow(clippy::print_stderr, reason = "these are commands for a terminal")]

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use lab::benchmark::{self, BenchmarkOptions};
use lab::debleed::{self, DebleedOptions, JsonFile};
use lab::evaluate::{self, EvaluateOptions};
use lab::scenes::demo;
use lab::scenes::simulate::{self, SimulateOptions};
use lab::soundfont;
use lab::train::experiment::ExperimentOptions;
use lab::train::{self, ExportOptions, TrainOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "lab", about = "Cleans files, simulates sessions, measures and draws")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Removes the bleed from the mics of a session
    Debleed(Box<DebleedOptions>),
    /// Cleans scenes with known truth and prints the metrics
    Evaluate(EvaluateOptions),
    /// Compares the cleaned demo with its truth: a table, and a picture
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
    },
    /// Composes and records the demo session
    MakeDemo {
        /// Folder for mic1_kick.flac, target1_kick.flac, …
        #[arg(long)]
        out: PathBuf,
        /// How the players feel today
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The instruments
        #[arg(long, default_value = soundfont::DEFAULT_PATH)]
        soundfont: PathBuf,
    },
    /// Measures every method on the benchmark's scenes
    Benchmark(Box<BenchmarkOptions>),
    /// Makes scenes with known truth from a recipe
    Simulate(Box<SimulateOptions>),
    /// Teaches the network, or goes on with it
    Train(TrainOptions),
    /// Trains small networks that differ in one thing, and compares them
    Experiment(ExperimentOptions),
    /// Makes a model of a training's weights
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
    match command {
        Command::Debleed(options) => {
            let report = debleed::run(&options)?;
            say(&report.table())?;
        }
        Command::Evaluate(options) => {
            let json = options.json.as_deref().map(JsonFile::create).transpose()?;
            let evaluation = evaluate::evaluate(&options, |scene| {
                // Long runs show where they are; the table follows at the end.
                eprintln!("{} {} done, RTF {:.3}", scene.scene, scene.method, scene.rtf);
            })?;
            if let Some(json) = json {
                json.write(&evaluation.methods)?;
            }
            say(&evaluate::table(&evaluation.methods))?;
        }
        Command::DemoReport { session, cleaned, out } => {
            let report = lab::report::demo_report(&session, &cleaned, &out)?;
            say(&format!("{}\npicture: {}\n", report.table(), report.picture.display()))?;
        }
        Command::MakeDemo { out, seed, soundfont } => {
            let instruments = soundfont::Instruments::load(&soundfont)?;
            let scene = demo::render(&instruments, seed)?;
            demo::write(&scene, &out)?;
            say(&format!("{}  {}\n", out.display(), describe(&scene.info)))?;
        }
        Command::Benchmark(options) => {
            let json = options.json.as_deref().map(JsonFile::create).transpose()?;
            let results = benchmark::run(&options, |part, scene| {
                let part = part.title();
                eprintln!("{part}: {} {} done, RTF {:.3}", scene.scene, scene.method, scene.rtf);
            })?;
            if let Some(json) = json {
                json.write(&results)?;
            }
            if let Some(file) = &options.markdown {
                std::fs::write(file, benchmark::markdown(&results))
                    .with_context(|| format!("could not write {}", file.display()))?;
            }
            say(&benchmark::text(&results))?;
        }
        Command::Simulate(options) => {
            let summary = simulate::run(&options)?;
            say(&format!("{}\n", summary.line(&options.out)))?;
        }
        Command::Train(options) => {
            // A reader that has gone away does not end hours of work.
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

/// Prints to standard output; a reader that has gone away (`| head`) is no error.
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

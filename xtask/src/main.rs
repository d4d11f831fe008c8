//! `cargo xtask`: the project's own commands.
//!
//! This package depends on none of the project's other packages, so it builds fast. Commands that
//! need them start them through cargo.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

mod build;
mod bundler;
mod commands;
mod shell;
mod system;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Unspill's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the plugin and make target/bundled/Unspill.vst3 and Unspill.clap
    Bundle,
    /// Play the demo session through the bundled plugin, measure it and draw it
    Demo {
        /// Folder for the cleaned and removed WAVs, the table and the picture
        #[arg(long, value_name = "DIR", default_value = commands::DEMO_FOLDER)]
        out: PathBuf,
        /// Replace files that are there already, as is always done in target/demo
        #[arg(long)]
        overwrite: bool,
    },
    /// Run all tests
    Test {
        /// Passed on to `cargo test`, as in `-p engine` or a part of a test's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Run every check there is: format, tidiness, lints, docs, tests, benches, dependencies
    Check,
    /// Check what no compiler checks: first lines, dependency direction, words, provenance
    Tidy,
    /// Feed readers with input that nobody meant
    Fuzz {
        /// The reader; all, one after the other, unless given
        #[arg(value_parser = commands::TARGETS)]
        target: Option<String>,
        /// How long each is fed
        #[arg(long, value_name = "N", default_value_t = 10.0)]
        minutes: f64,
    },
    /// Count instructions of the engine and the window, and compare them with docs/performance.md
    Guard {
        /// Write the counts into the table instead
        #[arg(long)]
        write: bool,
    },
    /// Run the hand-overs between threads in every order
    Races {
        /// How often a thread is stopped in the middle at most; more takes longer
        #[arg(long, value_name = "N", default_value_t = 5)]
        preemptions: usize,
    },
    /// Play host for hours: random blocks, seeks, activations, modes and passages, with memory and late hops in a table
    Soak {
        /// Simulated time
        #[arg(long, value_name = "N", default_value_t = 24.0)]
        hours: f64,
        /// Mics of the session
        #[arg(long, value_name = "N", default_value_t = 16)]
        mics: usize,
        /// Where the random order begins
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Play mic files through the bundled plugin, as a host does
    #[command(disable_help_flag = true)]
    Host(Forwarded),
    /// Clean mic files with the engine itself
    #[command(disable_help_flag = true)]
    Debleed(Forwarded),
    /// Measure every method on the benchmark's scenes
    #[command(disable_help_flag = true)]
    Benchmark(Forwarded),
    /// Measure methods on scenes whose truth is known
    #[command(disable_help_flag = true)]
    Evaluate(Forwarded),
    /// Compose and record the demo session anew
    #[command(disable_help_flag = true)]
    MakeDemo(Forwarded),
    /// Simulate sessions from a recipe: ensembles in rooms and real kits, with exact truth
    #[command(disable_help_flag = true)]
    Simulate(Forwarded),
    /// Teach the network what a configuration says, or go on with it
    #[command(disable_help_flag = true)]
    Train(Forwarded),
    /// Train small networks that differ in one thing, and compare them: the tables of docs/evidence.md
    #[command(disable_help_flag = true)]
    Experiment(Forwarded),
    /// Make a model of a training's weights, in models/
    #[command(disable_help_flag = true)]
    Export(Forwarded),
}

/// Arguments for the program that does the work; `--help` shows them.
#[derive(Debug, clap::Args)]
struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Bundle => commands::bundle().map(|bundles| {
            for bundle in bundles {
                println!("{}", bundle.display());
            }
        }),
        Command::Demo { out, overwrite } => commands::demo(&out, overwrite),
        Command::Test { arguments } => commands::test(&arguments),
        Command::Check => commands::check(),
        Command::Tidy => commands::tidy(),
        Command::Fuzz { target, minutes } => commands::fuzz(target.as_deref(), minutes),
        Command::Guard { write } => commands::guard(write),
        Command::Races { preemptions } => commands::races(preemptions),
        Command::Soak { hours, mics, seed } => commands::soak(hours, mics, seed),
        Command::Host(forwarded) => return commands::host(&forwarded.arguments),
        Command::Debleed(forwarded) => return commands::lab("debleed", &forwarded.arguments),
        Command::Benchmark(forwarded) => return commands::lab("benchmark", &forwarded.arguments),
        Command::Evaluate(forwarded) => return commands::lab("evaluate", &forwarded.arguments),
        Command::MakeDemo(forwarded) => return commands::lab("make-demo", &forwarded.arguments),
        Command::Simulate(forwarded) => return commands::lab("simulate", &forwarded.arguments),
        Command::Train(forwarded) => return commands::train(&forwarded.arguments),
        Command::Experiment(forwarded) => return commands::lab("experiment", &forwarded.arguments),
        Command::Export(forwarded) => return commands::lab("export", &forwarded.arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

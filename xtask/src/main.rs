//! `cargo xtask`: the project's own commands.
//!
//! This package depends on none of the project's other packages, so it builds fast. Commands that
//! need them start them through cargo.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

mod build;
mod bundler;
mod commands;
mod package;
mod shell;
mod system;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::package::Package;

/// Build, test and run Unspill
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the plugin bundles target/bundled/Unspill.vst3 and Unspill.clap
    Bundle,
    /// Build the plugin and the program `unspill`, and install them
    Install {
        /// For all users; copies with sudo unless you are root
        #[arg(long)]
        system: bool,
        /// Remove them again
        #[arg(long)]
        uninstall: bool,
    },
    /// Make the archive for this system, target/package/unspill-….tar.gz or .zip
    Package {
        /// For all Macs: both processors in one file
        #[arg(long)]
        universal: bool,
    },
    /// Install the archive into an empty home folder, play the demo session with it, remove it
    TryPackage {
        /// The archive for all Macs
        #[arg(long)]
        universal: bool,
    },
    /// Check that a tag fits the version and the changelog
    CheckTag {
        /// Tag, such as v0.1.0
        tag: String,
    },
    /// Play the demo session through the bundled plugin and measure the result
    Demo {
        /// Folder for the WAV files, the metrics and the picture
        #[arg(long, value_name = "DIR", default_value = commands::DEMO_FOLDER)]
        out: PathBuf,
        /// Replace existing files (always done in target/demo)
        #[arg(long)]
        overwrite: bool,
    },
    /// Run all tests
    Test {
        /// Arguments for `cargo test`, such as `-p engine` or part of a test's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Run all checks: format, tidiness, dependencies, lints, docs, tests, benches, instructions
    Check,
    /// Check first lines of files, dependency direction, words and provenance
    Tidy,
    /// Test the readers of files and saved states with mutated input
    Fuzz {
        /// Reader to test [default: all, one after the other]
        #[arg(value_parser = commands::TARGETS)]
        target: Option<String>,
        /// Minutes per reader
        #[arg(long, value_name = "N", default_value_t = 10.0)]
        minutes: f64,
    },
    /// Count instructions of the engine and the window; compare them with docs/performance.md
    Guard {
        /// Write the counts to docs/performance.md instead
        #[arg(long)]
        write: bool,
    },
    /// Test the hand-overs between threads in every order
    Races {
        /// Maximum number of forced thread switches; more take longer
        #[arg(long, value_name = "N", default_value_t = 5)]
        preemptions: usize,
    },
    /// Simulate hours in a host with random actions; print memory and late hops as a table
    Soak {
        /// Simulated hours
        #[arg(long, value_name = "N", default_value_t = 24.0)]
        hours: f64,
        /// Number of mics
        #[arg(long, value_name = "N", default_value_t = 16)]
        mics: usize,
        /// Random seed
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Play mic files through the bundled plugin in a headless host
    #[command(disable_help_flag = true)]
    Host(Forwarded),
    /// Clean mic files with the engine, without the plugin
    #[command(disable_help_flag = true)]
    Debleed(Forwarded),
    /// Evaluate all methods on the benchmark scenes
    #[command(disable_help_flag = true)]
    Benchmark(Forwarded),
    /// Evaluate methods on scenes with known truth
    #[command(disable_help_flag = true)]
    Evaluate(Forwarded),
    /// Compose and record the demo session
    #[command(disable_help_flag = true)]
    MakeDemo(Forwarded),
    /// Simulate scenes with known truth from a recipe
    #[command(disable_help_flag = true)]
    Simulate(Forwarded),
    /// Train the network, or continue a training
    #[command(disable_help_flag = true)]
    Train(Forwarded),
    /// Train and compare small networks, for the tables of docs/evidence.md
    #[command(disable_help_flag = true)]
    Experiment(Forwarded),
    /// Create a model in models/ from the weights of a training
    #[command(disable_help_flag = true)]
    Export(Forwarded),
}

/// Arguments of the command; `--help` lists them
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
        Command::Install { system, uninstall } => {
            let options = [(system, package::SYSTEM), (uninstall, package::UNINSTALL)];
            let options: Vec<&str> =
                options.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect();
            Package::for_this_system(false).and_then(|package| package.install(&options))
        }
        Command::Package { universal } => {
            Package::for_this_system(universal).and_then(Package::make).map(|lines| {
                for line in lines {
                    println!("{line}");
                }
            })
        }
        Command::TryPackage { universal } => {
            Package::for_this_system(universal).and_then(Package::try_out)
        }
        Command::CheckTag { tag } => commands::check_tag(&tag),
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

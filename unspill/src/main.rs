//! The program `unspill`: cleans the mic files of a session.
#![allow(clippy::print_stderr, reason = "a program for a terminal")]

use anyhow::{Context, Result};
use audiofile::{Destination, signals};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;
use unspill::debleed::{self, DebleedOptions};

/// Remove the bleed between the mics of a session
#[derive(Debug, Parser)]
#[command(name = "unspill", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Clean the mic files of a session
    #[command(after_help = EXAMPLES)]
    Clean(Box<DebleedOptions>),
}

const EXAMPLES: &str = "\
Examples:
  unspill clean session/                        clean all sound files of a folder
  unspill clean kick.wav snare.wav bass.wav     clean these files
  unspill clean session/ --by-name              kick_in and kick_out share a source, and so on
  unspill clean session/ --group 2,3 --room 7   mics 2 and 3 share a source, mic 7 is a room mic
  unspill clean song.rpp                        clean the tracks of a REAPER project

The results are in the folder `cleaned` beside the mics. The mics themselves stay as they are. For
a project, the copy `song-cleaned.rpp` plays the results.";

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
    let Command::Clean(options) = command;
    // A closed standard error does not end the run.
    let tell = |line: &str| drop(writeln!(std::io::stderr(), "{line}"));
    let report = debleed::run(&options, &tell)?;
    let text = report.table();
    if options.json.as_deref().is_some_and(Destination::names_stdout) {
        // Standard output carries the JSON.
        let _ = std::io::stderr().write_all(text.as_bytes());
        return Ok(());
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        // A closed pipe (`| head`) is no error.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not print"),
    }
}

//! `cargo xtask host`: plays mic files through the bundled plugin.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

mod check;
mod cli;
mod fault_cli;
mod interruption;
mod random_cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(&cli::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

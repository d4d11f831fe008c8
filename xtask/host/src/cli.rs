//! The arguments of `cargo xtask host`, and what it does with them.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use audiofile::{OutputSet, OutputSpec, SessionFiles};
use clap::{ArgGroup, Parser, ValueEnum};
use host::{BlockPattern, Bundle, Class, RenderJob, RenderMode, UnusedBuses, render_stream};

/// The longest block of `--block random`.
const MAX_RANDOM_BLOCK_SAMPLES: usize = 8192;

/// The most mono mics that any class takes.
const MAX_MICS: usize = 32;

/// Plays the mics of a session through the bundled plugin, latency removed.
///
/// Reads WAV or FLAC, one mic per file (a stereo file is two linked mics, and of a file with more
/// channels each is a mic), and writes DIR/<same file name>.wav: same sample rate and length,
/// 32-bit float.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask host", group = ArgGroup::new("speed").args(["realtime", "offline"]))]
pub(crate) struct Arguments {
    /// Which format of the plugin to load
    #[arg(long, value_enum, default_value_t = PluginFormat::Clap)]
    format: PluginFormat,

    /// Which of the plugin's classes plays: 8, 16, multichannel or track
    #[arg(long, value_name = "CLASS")]
    class: Class,

    /// Samples per block, or `random` for lengths from 1 to 8192
    #[arg(long, value_name = "N|random", default_value = "512", value_parser = block_pattern)]
    block: BlockPattern,

    /// Play at real time, as a host does during playback
    #[arg(long)]
    realtime: bool,

    /// Play as fast as the plugin allows, as a host does during a bounce (the default)
    #[arg(long)]
    offline: bool,

    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// The plugin bundle to load instead of the one in target/bundled
    #[arg(long, value_name = "PATH")]
    plugin: Option<PathBuf>,

    /// Set a parameter by its name or number; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    param: Vec<(String, String)>,

    /// Hand inputs and outputs over in the same memory
    #[arg(long)]
    in_place: bool,

    /// Print what the process calls cost
    #[arg(long)]
    timings: bool,

    /// Let all files start together, whatever their time stamps (BWF) say
    #[arg(long)]
    ignore_timestamps: bool,

    /// The mic files
    #[arg(value_name = "MIC", required = true)]
    mics: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PluginFormat {
    Clap,
    Vst3,
}

fn block_pattern(text: &str) -> Result<BlockPattern, String> {
    if text == "random" {
        let max_block_samples = MAX_RANDOM_BLOCK_SAMPLES;
        return Ok(BlockPattern::Random { max_block_samples, seed: 1 });
    }
    match text.parse() {
        Ok(samples @ 1..=MAX_RANDOM_BLOCK_SAMPLES) => Ok(BlockPattern::Fixed(samples)),
        _ => Err(format!("a number from 1 to {MAX_RANDOM_BLOCK_SAMPLES}, or `random`")),
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("an equals sign is missing")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Does what the arguments say.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut session = if arguments.ignore_timestamps {
        SessionFiles::open_without_time_stamps(&arguments.mics, MAX_MICS)?
    } else {
        SessionFiles::open(&arguments.mics, MAX_MICS)?
    };
    session.check_outputs_spare_inputs(&arguments.out)?;
    let specs = session.output_specs();
    let mics: Vec<usize> = specs.iter().map(|spec| spec.num_channels).collect();
    let path = arguments.plugin.clone().unwrap_or_else(|| {
        PathBuf::from("target/bundled").join(match arguments.format {
            PluginFormat::Clap => "Unspill.clap",
            PluginFormat::Vst3 => "Unspill.vst3",
        })
    });
    let bundle = Bundle::load(&path)?;
    // What the user sets comes last and so has the last word.
    let mut params = linked_sides(arguments.class, &mics);
    params.extend(arguments.param.iter().cloned());
    let job = RenderJob {
        class: arguments.class,
        rate_hz: session.rate_hz(),
        mics,
        slots: None,
        pattern: arguments.block,
        mode: if arguments.realtime { RenderMode::Realtime } else { RenderMode::Offline },
        pace: arguments.realtime.then_some(1.0),
        in_place: arguments.in_place,
        unused: UnusedBuses::Zeros,
        params,
    };

    let specs = written_files(&job, specs)?;
    let mut outputs = OutputSet::create(&arguments.out, session.rate_hz(), &specs)?;
    let num_samples = session.num_samples();
    let mut num_written = 0;
    let report = render_stream(
        &bundle,
        &job,
        |blocks| Ok(session.read(blocks)?),
        |blocks| {
            num_written += blocks.first().map_or(0, |block| block.len() as u64);
            Ok(outputs.write(blocks)?)
        },
    )?;
    ensure!(num_written == num_samples, "{num_written} of {num_samples} samples came out");
    outputs.finish()?;
    if let Some(note) = session.placement_note() {
        println!("{note}");
    }
    if arguments.timings {
        println!("{}", report.timings);
    }
    Ok(())
}

/// Parameters that put the two sides of every stereo file into one group, from the last group
/// backwards; Unspill Track links its own.
fn linked_sides(class: Class, mics: &[usize]) -> Vec<(String, String)> {
    if class == Class::Track {
        return Vec::new();
    }
    let mut groups = ('A'..='H').rev();
    let mut params = Vec::new();
    let mut first = 1;
    for &num_channels in mics {
        if num_channels > 1
            && let Some(group) = groups.next()
        {
            params.extend(
                (first..first + num_channels)
                    .map(|mic| (format!("Mic {mic} Group"), group.to_string())),
            );
        }
        first += num_channels;
    }
    params
}

/// The files that have an output: all of them, but for the side-chains of the track class.
fn written_files(job: &RenderJob, mut specs: Vec<OutputSpec>) -> Result<Vec<OutputSpec>> {
    let num_outputs: usize = job.class.shape_for(&job.mics)?.outputs.iter().sum();
    let mut num_channels = 0;
    let count = specs
        .iter()
        .take_while(|spec| {
            num_channels += spec.num_channels;
            num_channels <= num_outputs
        })
        .count();
    specs.truncate(count);
    Ok(specs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sides_of_a_stereo_file_are_linked() {
        let linked = linked_sides(Class::Eight, &[1, 2, 1, 2]);
        let expected = [(2, "H"), (3, "H"), (5, "G"), (6, "G")]
            .map(|(mic, group)| (format!("Mic {mic} Group"), group.to_owned()));
        assert_eq!(linked, expected);
        assert!(linked_sides(Class::Track, &[2, 1]).is_empty());
    }
}

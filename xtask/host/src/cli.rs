//! The arguments of `cargo xtask host` and their execution.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use audiofile::{Existing, OutputSet, OutputSpec, SessionFiles, readable, signals};
use clap::{ArgGroup, Parser, ValueEnum};
use host::linked::{LinkedPlay, Order};
use host::{
    BlockPattern, Bundle, Class, RATES_HZ, RenderJob, RenderMode, RenderReport, UnusedBuses,
    render_stream,
};

use crate::check;
use crate::fault_cli::FaultArguments;
use crate::interruption::check_goes_on;
use crate::random_cli::RandomArguments;

/// Longest block of `--block random`.
const MAX_RANDOM_BLOCK_SAMPLES: usize = 8192;

/// Largest number of mono mics of any class.
const MAX_MICS: usize = 32;

/// Play mic files through the bundled plugin and remove the latency
///
/// Reads WAV, AIFF, CAF and FLAC. A mono file is one mic, a stereo file is two linked mics. In
/// files with more channels, each channel is a mic. Writes 32-bit float WAV files with the names,
/// sample rate and lengths of the inputs
#[derive(Debug, Parser)]
#[command(name = "cargo xtask host", group = ArgGroup::new("speed").args(["realtime", "offline"]))]
pub(crate) struct Arguments {
    /// Plugin format
    #[arg(long, value_enum, default_value_t = PluginFormat::Clap)]
    format: PluginFormat,

    /// Plugin of the bundle: 8, 16, multichannel, track, or link with one instance per file
    #[arg(
        long,
        value_name = "CLASS",
        required_unless_present_any = ["random", "only", "faults", "serve"]
    )]
    class: Option<Class>,

    /// Samples per block, 1 to 8192, or `random`
    #[arg(long, value_name = "N|random", default_value = "512", value_parser = block_pattern)]
    block: BlockPattern,

    /// Play in real time, like playback in a DAW
    #[arg(long)]
    realtime: bool,

    /// Play as fast as possible, like a bounce (default)
    #[arg(long)]
    offline: bool,

    /// Folder for the results
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present_any = ["random", "only", "faults", "serve"]
    )]
    out: Option<PathBuf>,

    /// Plugin bundle [default: the one in target/bundled]
    #[arg(long, value_name = "PATH")]
    plugin: Option<PathBuf>,

    /// Set a parameter by name or number (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    param: Vec<(String, String)>,

    /// Maximum reduction of every mic, in dB; 24, -24 and -24dB mean the same
    #[arg(
        long,
        allow_hyphen_values = true,
        value_parser = audiofile::parse_floor_db,
        value_name = "X"
    )]
    floor_db: Option<f32>,

    /// Replace existing files, except the inputs
    #[arg(long)]
    overwrite: bool,

    /// Use the same memory for inputs and outputs
    #[arg(long)]
    in_place: bool,

    /// Order in which the class `link` calls its tracks in each block
    #[arg(long, value_enum, default_value_t = CallOrder::Serial)]
    order: CallOrder,

    /// Time by which the class `link` processes every second track before the others, in ms
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0,
        value_parser = clap::value_parser!(u16).range(..=1000)
    )]
    skew_ms: u16,

    /// Print the cost of the process calls
    #[arg(long)]
    timings: bool,

    /// Start all files together and ignore their time stamps (BWF)
    #[arg(long)]
    ignore_timestamps: bool,

    #[command(flatten)]
    random: RandomArguments,

    #[command(flatten)]
    faults: FaultArguments,

    /// Mic files
    #[arg(value_name = "MIC", required_unless_present_any = ["random", "only", "faults", "serve"])]
    mics: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PluginFormat {
    Clap,
    Vst3,
}

/// The order of the calls of linked tracks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CallOrder {
    /// One after the other
    Serial,
    /// One after the other, in another order each time
    Random,
    /// On four threads
    Threads,
}

impl From<CallOrder> for Order {
    fn from(order: CallOrder) -> Self {
        match order {
            CallOrder::Serial => Self::Added,
            CallOrder::Random => Self::Random(1),
            CallOrder::Threads => Self::Threads(4),
        }
    }
}

fn block_pattern(text: &str) -> Result<BlockPattern, String> {
    if text == "random" {
        let max_block_samples = MAX_RANDOM_BLOCK_SAMPLES;
        return Ok(BlockPattern::Random { max_block_samples, seed: 1 });
    }
    match text.parse() {
        Ok(samples @ 1..=MAX_RANDOM_BLOCK_SAMPLES) => Ok(BlockPattern::Fixed(samples)),
        _ => Err(format!("expected a number from 1 to {MAX_RANDOM_BLOCK_SAMPLES}, or `random`")),
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command with these arguments.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let path = arguments.plugin.clone().unwrap_or_else(|| {
        PathBuf::from("target/bundled").join(match arguments.format {
            PluginFormat::Clap => "Unspill.clap",
            PluginFormat::Vst3 => "Unspill.vst3",
        })
    });
    match (arguments.class, &arguments.out) {
        (Some(class), Some(out)) => play_files(arguments, &path, class, out),
        _ if arguments.faults.is_given() => arguments.faults.run(&path),
        _ => arguments.random.run(&path),
    }
}

/// Plays the mic files through the plugin.
fn play_files(arguments: &Arguments, plugin: &Path, class: Class, out: &Path) -> Result<()> {
    signals::survive_file_limit()?;
    let mut session = if arguments.ignore_timestamps {
        SessionFiles::open_without_time_stamps(&arguments.mics, MAX_MICS)?
    } else {
        SessionFiles::open(&arguments.mics, MAX_MICS)?
    };
    session.check_outputs_spare_inputs(out)?;
    check_rate(&session)?;
    let specs = session.output_specs();
    let mics: Vec<usize> = specs.iter().map(|spec| spec.num_channels).collect();
    // The user's parameters come last, so that they override the others.
    let mut params = linked_sides(class, &mics);
    params.extend(floors(class, &mics, arguments.floor_db));
    params.extend(arguments.param.iter().cloned());
    let job = RenderJob {
        class,
        rate_hz: session.rate_hz(),
        mics,
        slots: None,
        pattern: arguments.block,
        mode: if arguments.realtime { RenderMode::Realtime } else { RenderMode::Offline },
        pace: arguments.realtime.then_some(1.0),
        in_place: arguments.in_place,
        unused: UnusedBuses::Zeros,
        linked: LinkedPlay {
            order: arguments.order.into(),
            ahead_samples: session.rate_hz() as usize * usize::from(arguments.skew_ms) / 1000,
        },
        params,
    };

    let specs = written_files(&job, specs)?;
    let existing = Existing::overwritten(arguments.overwrite);
    signals::listen()?;
    // Created before the plugin is loaded, so that a refused output costs no time.
    let mut outputs = OutputSet::create(out, session.rate_hz(), &specs, existing)?;
    let notes = [session.placement_note(), session.format_note()];
    let played = Bundle::load(plugin).and_then(|bundle| {
        for warning in check::warnings(&mut session, class, &job.params)? {
            eprintln!("warning: {warning}");
        }
        play(&bundle, &job, session, &mut outputs)
    });
    // An interruption is reported instead of any other error.
    check_goes_on()?;
    let report = played?;
    outputs.finish()?;
    for note in notes.into_iter().flatten() {
        println!("{note}");
    }
    if arguments.timings {
        println!("{}", report.timings);
    }
    Ok(())
}

/// Plays the whole session into the outputs.
fn play(
    bundle: &Bundle,
    job: &RenderJob,
    mut session: SessionFiles,
    outputs: &mut OutputSet,
) -> Result<RenderReport> {
    let num_samples = session.num_samples();
    let mut num_written = 0;
    let report = render_stream(
        bundle,
        job,
        |blocks| {
            check_goes_on()?;
            Ok(session.read(blocks)?)
        },
        |blocks| {
            num_written += blocks.first().map_or(0, |block| block.len() as u64);
            Ok(outputs.write(blocks)?)
        },
    )?;
    ensure!(
        num_written == num_samples,
        "the plugin returned {num_written} of {num_samples} samples"
    );
    Ok(report)
}

/// Returns the parameters that put the two channels of every stereo file into one group, starting
/// with the last group; none for Unspill Track and Unspill Link, which link their own.
fn linked_sides(class: Class, mics: &[usize]) -> Vec<(String, String)> {
    if matches!(class, Class::Track | Class::Link) {
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

/// Fails for a rate at which the plugin would only pass the mics through.
fn check_rate(session: &SessionFiles) -> Result<()> {
    let rate_hz = session.rate_hz();
    if let Some(first) = session.paths().next() {
        ensure!(
            RATES_HZ.contains(&rate_hz),
            "{}: sample rate {rate_hz} Hz is outside {} to {} Hz",
            readable(first),
            RATES_HZ.start(),
            RATES_HZ.end()
        );
    }
    Ok(())
}

/// Returns the parameters that limit the reduction of every mic; Unspill Track has one for all, and
/// every instance of Unspill Link has its own.
fn floors(class: Class, mics: &[usize], floor_db: Option<f32>) -> Vec<(String, String)> {
    let Some(floor_db) = floor_db else { return Vec::new() };
    let names: Vec<String> = match class {
        Class::Track | Class::Link => vec!["Track".to_owned()],
        _ => (1..=mics.iter().sum::<usize>()).map(|mic| format!("Mic {mic}")).collect(),
    };
    let text = format!("{floor_db} dB");
    names.into_iter().map(|name| (format!("{name} Max Reduction"), text.clone())).collect()
}

/// Returns the files that have an output: all except the side-chains of the track class.
fn written_files(job: &RenderJob, mut specs: Vec<OutputSpec>) -> Result<Vec<OutputSpec>> {
    if job.class == Class::Link {
        return Ok(specs);
    }
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
    fn a_floor_is_set_for_every_mic() {
        let expected =
            [1, 2, 3].map(|mic| (format!("Mic {mic} Max Reduction"), "-12 dB".to_owned()));
        assert_eq!(floors(Class::Eight, &[1, 2], Some(-12.0)), expected);
        let track = ("Track Max Reduction".to_owned(), "-12 dB".to_owned());
        assert_eq!(floors(Class::Track, &[2, 1], Some(-12.0)), [track]);
        assert!(floors(Class::Eight, &[1, 2], None).is_empty());
    }

    #[test]
    fn the_sides_of_a_stereo_file_are_linked() {
        let linked = linked_sides(Class::Eight, &[1, 2, 1, 2]);
        let expected = [(2, "H"), (3, "H"), (5, "G"), (6, "G")]
            .map(|(mic, group)| (format!("Mic {mic} Group"), group.to_owned()));
        assert_eq!(linked, expected);
        assert!(linked_sides(Class::Track, &[2, 1]).is_empty());
    }
}

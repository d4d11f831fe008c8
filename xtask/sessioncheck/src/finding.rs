//! One line of plain words for every fault.

use crate::clocks::OtherClock;
use crate::copies::Copy;
use crate::moves::Moved;
use crate::timing::Late;

/// A fault of a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Two mics carry the same sound.
    Copy(Copy),
    /// Mics were recorded by another clock.
    OtherClock(OtherClock),
    /// A mic is out of time.
    Late(Late),
    /// Mics moved in mid-session.
    Moved(Moved),
    /// A mic hears all others and has no sound of its own.
    HearsAll {
        /// Which one.
        mic: usize,
    },
    /// A mic is cut off at full scale.
    Clipped {
        /// Which one.
        mic: usize,
        /// How often three or more samples in a row have the same highest value.
        num_runs: u64,
        /// When for the first time.
        first_s: f64,
    },
    /// A mic has a constant part.
    Offset {
        /// Which one.
        mic: usize,
        /// The constant part, full scale 1.
        offset: f32,
    },
}

/// The command that prints the line; its options differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `debleed`: options take the positions of mics.
    Debleed,
    /// `host`: the plugin's own parameters.
    Host,
}

/// The name of a mono mic in lines, and its position in options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The file, and the channel where it has several.
    pub text: String,
    /// Position of the mic among those given, from 1; both sides of a stereo mic have one.
    pub position: usize,
}

impl Finding {
    /// The finding in one line, with its remedy.
    ///
    /// # Panics
    ///
    /// When `names` is not one per mono mic.
    #[must_use]
    pub fn line(&self, names: &[Name], tool: Tool) -> String {
        let name = |mic: usize| names[mic].text.as_str();
        let position = |mic: usize| names[mic].position;
        match self {
            Self::Copy(copy) => {
                let [a, b] = copy.mics;
                let remedy = match tool {
                    Tool::Debleed => format!("--group {},{}", position(a), position(b)),
                    Tool::Host => "one group".to_owned(),
                };
                format!(
                    "{} and {} carry the same sound{}: leave one of them out, or put them into {}",
                    name(a),
                    name(b),
                    difference(copy),
                    if tool == Tool::Debleed { format!("one group ({remedy})") } else { remedy },
                )
            }
            Self::OtherClock(OtherClock { mics, drift_ppm }) => format!(
                "{} {} the other mics by {:.0} ppm ({:.1} ms a minute): recorded by another \
                 clock; resample first, or bleed stays",
                list(mics, name),
                match (*drift_ppm > 0.0, mics.len()) {
                    (true, 1) => "falls behind",
                    (true, _) => "fall behind",
                    (false, 1) => "runs ahead of",
                    (false, _) => "run ahead of",
                },
                drift_ppm.abs(),
                drift_ppm.abs() * 0.06,
            ),
            Self::Late(Late { mic, late_s }) => format!(
                "{} is {:.0} ms {} than the other mics, more than a room explains: move it back \
                 into time first",
                name(*mic),
                late_s.abs() * 1e3,
                if *late_s > 0.0 { "later" } else { "earlier" },
            ),
            Self::Moved(Moved { mics, at_s }) => format!(
                "{} moved at about {}: filters fit neither part well; clean the parts one by one{}",
                if mics.len() == names.len() { "all mics".to_owned() } else { list(mics, name) },
                clock_time(*at_s),
                match tool {
                    Tool::Debleed => ", or use --method network-online",
                    Tool::Host => "",
                },
            ),
            Self::HearsAll { mic } => format!(
                "{} hears all other mics and nothing first: if it is an overhead or a room mic, {}",
                name(*mic),
                match tool {
                    Tool::Debleed => format!("name it (--room {})", position(*mic)),
                    Tool::Host => "give it the role Room".to_owned(),
                },
            ),
            Self::Clipped { mic, num_runs, first_s } => format!(
                "{} is clipped in {num_runs} place{}, first at {}: bleed stays there",
                name(*mic),
                if *num_runs == 1 { "" } else { "s" },
                clock_time(*first_s),
            ),
            Self::Offset { mic, offset } => {
                format!("{} has a DC offset of {offset:.4}: filter it out first", name(*mic))
            }
        }
    }
}

/// Gain, delay and sign of a copy, as far as there are any.
fn difference(copy: &Copy) -> String {
    let mut parts = Vec::new();
    if copy.gain_db.abs() >= 0.05 {
        let word = if copy.gain_db > 0.0 { "louder" } else { "quieter" };
        parts.push(format!("{:.1} dB {word}", copy.gain_db.abs()));
    }
    if copy.lag_s.abs() >= 2e-5 {
        let word = if copy.lag_s > 0.0 { "later" } else { "earlier" };
        parts.push(format!("{:.2} ms {word}", copy.lag_s.abs() * 1e3));
    }
    if copy.is_inverted {
        parts.push("inverted".to_owned());
    }
    if parts.is_empty() { String::new() } else { format!(" (the second {})", parts.join(", ")) }
}

fn list<'a>(mics: &[usize], name: impl Fn(usize) -> &'a str) -> String {
    let names: Vec<&str> = mics.iter().map(|&mic| name(mic)).collect();
    match names.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        names => names.concat(),
    }
}

/// `1:02:03`, `2:03` or `0:03`, rounded.
fn clock_time(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

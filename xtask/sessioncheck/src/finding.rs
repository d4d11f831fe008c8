//! Faults of a session, and their description in one line each.

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
    /// Mics were recorded with another clock.
    OtherClock(OtherClock),
    /// A mic is late or early.
    Late(Late),
    /// Mics were moved during the session.
    Moved(Moved),
    /// A mic picks up all other mics' sources and has none of its own.
    HearsAll {
        /// Mic index.
        mic: usize,
    },
    /// A mic is clipped at full scale.
    Clipped {
        /// Mic index.
        mic: usize,
        /// Number of runs of three or more equal samples at full scale.
        num_runs: u64,
        /// Time of the first run in seconds.
        first_s: f64,
    },
    /// A mic has a DC offset.
    Offset {
        /// Mic index.
        mic: usize,
        /// Offset relative to full scale.
        offset: f32,
    },
}

/// The command that prints the line; the remedies name its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `debleed`: options take positions of mics.
    Debleed,
    /// `host`: parameters of the plugin.
    Host,
}

/// The name of a mono mic in lines, and its position in options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// File name, and the channel if the file has several.
    pub text: String,
    /// Position among the given mics, from 1; both channels of a stereo mic have the same.
    pub position: usize,
}

impl Finding {
    /// Returns the finding and its remedy as one line.
    ///
    /// # Panics
    ///
    /// If `names` does not have one entry per mono mic.
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
                    "{} and {} carry the same sound{}: remove one of them, or put them into {}",
                    name(a),
                    name(b),
                    difference(copy),
                    if tool == Tool::Debleed { format!("one group ({remedy})") } else { remedy },
                )
            }
            Self::OtherClock(OtherClock { mics, drift_ppm }) => format!(
                "{} {} the other mics by {:.0} ppm ({:.1} ms per minute): recorded with another \
                 clock; resample first, or bleed remains",
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
                "{} is {:.0} ms {} than the other mics, too much for one room: move it into time \
                 first",
                name(*mic),
                late_s.abs() * 1e3,
                if *late_s > 0.0 { "later" } else { "earlier" },
            ),
            Self::Moved(Moved { mics, at_s }) => format!(
                "{} moved at about {}: clean the parts before and after separately{}",
                if mics.len() == names.len() { "all mics".to_owned() } else { list(mics, name) },
                clock_time(*at_s),
                match tool {
                    Tool::Debleed => ", or use --method network-online",
                    Tool::Host => "",
                },
            ),
            Self::HearsAll { mic } => format!(
                "{} picks up the sources of all other mics and none first: if it is an overhead or \
                 a room mic, {}",
                name(*mic),
                match tool {
                    Tool::Debleed => format!("add --room {}", position(*mic)),
                    Tool::Host => "set its role to Room".to_owned(),
                },
            ),
            Self::Clipped { mic, num_runs, first_s } => format!(
                "{} is clipped in {num_runs} place{}, first at {}: bleed remains there",
                name(*mic),
                if *num_runs == 1 { "" } else { "s" },
                clock_time(*first_s),
            ),
            Self::Offset { mic, offset } => {
                format!("{} has a DC offset of {offset:.4}: remove it first", name(*mic))
            }
        }
    }
}

/// Returns the gain, delay and sign of a copy, without those that are negligible.
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

/// Formats a rounded time as `1:02:03`, `2:03` or `0:03`.
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

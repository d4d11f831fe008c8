//! Options of `debleed` and their conversion to engine settings.

use crate::cleaning::{Method, model};
use anyhow::{Result, bail, ensure};
use audiofile::MicChannel;
use clap::{Args, ValueEnum};
use engine::network::Model;
use engine::{Controls, Decibels, GroupId, Mode, Role};
use std::path::PathBuf;

/// Folder for the cleaned mics unless another is named.
const DEFAULT_OUT: &str = "cleaned";

/// Options of `unspill clean` and `cargo xtask debleed`.
#[derive(Clone, Debug, Args)]
pub struct DebleedOptions {
    /// Mic files (WAV, AIFF, CAF or FLAC), a folder with the files of a session, or a REAPER
    /// project (.rpp)
    ///
    /// A mono file is one mic. A stereo file is one mic, too: a stereo pair, whose two sides are
    /// never cleaned of each other. In files with more channels, each channel is a mic. A session
    /// has at least two mics. In a project, each track with sound is a mic, and a copy of the
    /// project, song-cleaned.rpp, plays the cleaned files
    #[arg(required = true, value_name = "MIC")]
    pub mics: Vec<PathBuf>,
    /// Folder for the cleaned mics [default: `cleaned` beside the first mic or the project]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Tracks of a REAPER project that are cleaned together, by number [default: all with sound]
    #[arg(long, value_name = "1-8,11")]
    pub tracks: Option<String>,
    /// Folder for the removed sound of each mic
    #[arg(long, value_name = "DIR")]
    pub removed: Option<PathBuf>,
    /// Cleaning method [default: network]
    ///
    /// network          cancellation filters guided by a network, learned from the whole session
    /// network-online   the same, learned while playing, as in the plugin
    /// network-learned  the plugin after Learn has processed the session once
    /// cancel           filters without a network, learned from the whole session
    /// online           filters without a network, learned while playing
    /// ratio            each mic's share of the power of all mics
    /// kamir, mira      crosstalk per frequency bin, estimated chunk by chunk
    /// fastmira         crosstalk per frequency bin, learned from the whole session
    #[arg(long, value_name = "NAME", verbatim_doc_comment)]
    pub method: Option<String>,
    /// Mode: live (low latency) or mix (with lookahead)
    ///
    /// Only network-online, network-learned, online and ratio have both modes
    #[arg(long, default_value = "mix", value_parser = crate::cleaning::parse_mode)]
    pub mode: Mode,
    /// When to learn [default: as the method requires]
    ///
    /// The network methods support both; network learns from the session by default. cancel and
    /// fastmira require session. online, ratio, kamir and mira require none
    #[arg(long)]
    pub learn: Option<Learn>,
    /// Released model (id, or id and version) or model folder [default: newest released model]
    #[arg(long, value_name = "ID|DIR")]
    pub model: Option<String>,
    /// Share of the bleed that is removed, in percent
    #[arg(long, default_value_t = 100.0, value_name = "0..100")]
    pub amount: f32,
    /// Maximum reduction in dB; 24, -24 and -24dB mean the same
    #[arg(
        long,
        allow_hyphen_values = true,
        value_parser = audiofile::parse_floor_db,
        value_name = "X"
    )]
    pub floor_db: Option<f32>,
    /// Mics of one source, by position, such as 1,2 (repeatable)
    #[arg(long, value_name = "1,2")]
    pub group: Vec<String>,
    /// Room mic, which passes unchanged, by position (repeatable)
    #[arg(long, value_name = "5", value_delimiter = ',')]
    pub room: Vec<usize>,
    /// Set groups and room mics by the names of the mics, such as kick_in, kick_out, OH_L
    ///
    /// `--group` and `--room` come first: with one of them, the names set only the other
    #[arg(long)]
    pub by_name: bool,
    /// Start all files together and ignore their time stamps (BWF); lengths must be equal
    #[arg(long)]
    pub ignore_timestamps: bool,
    /// JSON file for levels, latency and processing time (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Replace existing files, except the inputs
    #[arg(long)]
    pub overwrite: bool,
}

/// Learning before or during cleaning
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Learn {
    /// Learn from the whole session before cleaning
    Session,
    /// Learn while cleaning, or not at all
    None,
}

impl DebleedOptions {
    /// Returns the folder for the cleaned mics.
    pub(super) fn out_folder(&self, mics: &[PathBuf]) -> PathBuf {
        let beside = || {
            mics.first().map_or_else(|| DEFAULT_OUT.into(), |mic| mic.with_file_name(DEFAULT_OUT))
        };
        self.out.clone().unwrap_or_else(beside)
    }

    /// Returns the requested method.
    pub(super) fn method(&self) -> Result<Method> {
        let Some(name) = &self.method else {
            let learns_first = self.learn != Some(Learn::None);
            let method = Method::default_for(learns_first);
            // A model given with `--model` provides a network even if none is released.
            let network = Method::Network.learning(learns_first);
            return Ok(network.filter(|_| self.model.is_some()).unwrap_or(method));
        };
        let method: Method = name.parse()?;
        let learns_first = match self.learn {
            None => method.learns_first(),
            Some(learn) => learn == Learn::Session,
        };
        match method.learning(learns_first) {
            Some(method) => Ok(method),
            None if learns_first => {
                bail!("method {method} cannot learn first; remove --learn session")
            }
            None => bail!(
                "method {method} always learns from the whole session first; remove --learn none"
            ),
        }
    }

    /// Returns the model for this method.
    pub(super) fn model(&self, method: Method) -> Result<Option<Model>> {
        if method.needs_model() {
            return model::find(self.model.as_deref());
        }
        ensure!(self.model.is_none(), "method {method} does not use a network; remove --model");
        Ok(None)
    }

    /// Returns the controls for these mono mics, which are the sides of `num_mics` mics.
    pub(super) fn controls(&self, mics: &[MicChannel], num_mics: usize) -> Result<Controls> {
        ensure!(
            (0.0..=100.0).contains(&self.amount),
            "--amount {} is outside 0 to 100 percent",
            self.amount
        );
        let mut controls = Controls { global_amount: self.amount / 100.0, ..Controls::default() };
        if let Some(floor_db) = self.floor_db {
            controls.mics.iter_mut().for_each(|mic| mic.floor = Decibels(floor_db));
        }
        let mut group_of_mic: Vec<Option<GroupId>> = vec![None; num_mics];
        let mut next_group = 0;
        for group in &self.group {
            let id = GroupId(next_group);
            next_group += 1;
            let members = parse_positions(group, num_mics)?;
            ensure!(members.len() > 1, "--group {group}: a group has at least two mics");
            for mic in members {
                ensure!(
                    group_of_mic[mic].replace(id).is_none(),
                    "--group {group}: mic {} is already in a group",
                    mic + 1
                );
            }
        }
        for (side, place) in mics.iter().enumerate() {
            // Both sides of a stereo mic pick up the same source.
            if place.num_sides > 1 && group_of_mic[place.mic].is_none() {
                group_of_mic[place.mic] = Some(GroupId(next_group));
                next_group += 1;
            }
            controls.mics[side].group = group_of_mic[place.mic];
        }
        for &position in &self.room {
            ensure!(
                (1..=num_mics).contains(&position),
                "--room {position}: there are {num_mics} mics, numbered from 1"
            );
            for (side, place) in mics.iter().enumerate() {
                if place.mic == position - 1 {
                    controls.mics[side].role = Role::Room;
                }
            }
        }
        Ok(controls)
    }
}

/// Parses a list like `1,2` into positions from 0.
fn parse_positions(list: &str, num_mics: usize) -> Result<Vec<usize>> {
    let mut positions = Vec::new();
    for item in list.split(',') {
        match item.trim().parse::<usize>() {
            Ok(position) if (1..=num_mics).contains(&position) => positions.push(position - 1),
            Ok(_) => bail!("--group {list}: there are {num_mics} mics, numbered from 1"),
            Err(_) => bail!("--group {list}: {item:?} is not a number"),
        }
    }
    Ok(positions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: DebleedOptions,
    }

    fn options(line: &str) -> DebleedOptions {
        let line = format!("debleed --out o {line} a.wav b.wav c.wav");
        Line::try_parse_from(line.split_whitespace()).unwrap().options
    }

    /// Returns the mono mics of three files, the second of them stereo.
    fn places() -> Vec<MicChannel> {
        [(0, 0, 1), (1, 0, 2), (1, 1, 2), (2, 0, 1)]
            .map(|(file, channel, num_sides)| MicChannel { file, channel, mic: file, num_sides })
            .to_vec()
    }

    #[test]
    fn the_channels_of_a_large_file_are_mics_of_their_own() {
        let poly = |channel: usize| MicChannel { file: 0, channel, mic: channel, num_sides: 1 };
        let places: Vec<MicChannel> = (0..4).map(poly).collect();
        let controls = options("--group 2,4 --room 3").controls(&places, 4).unwrap();
        assert_eq!(groups(&controls), [None, Some(0), None, Some(0)]);
        let roles: Vec<Role> = controls.mics[..4].iter().map(|mic| mic.role).collect();
        assert_eq!(roles, [Role::Close, Role::Close, Role::Room, Role::Close]);
        assert_eq!(groups(&options("").controls(&places, 4).unwrap()), [None; 4]);
    }

    fn groups(controls: &Controls) -> Vec<Option<u8>> {
        controls.mics[..4].iter().map(|mic| mic.group.map(|group| group.0)).collect()
    }

    #[test]
    fn the_sides_of_a_stereo_mic_are_one_group() {
        let controls = options("").controls(&places(), 3).unwrap();
        assert_eq!(groups(&controls), [None, Some(0), Some(0), None]);
        let controls = options("--group 1,2").controls(&places(), 3).unwrap();
        assert_eq!(groups(&controls), [Some(0), Some(0), Some(0), None]);
        let controls = options("--group 1,3").controls(&places(), 3).unwrap();
        assert_eq!(groups(&controls), [Some(0), Some(1), Some(1), Some(0)]);
    }

    #[test]
    fn amounts_floors_and_rooms_reach_the_engine() {
        let controls =
            options("--amount 40 --floor-db -24 --room 2").controls(&places(), 3).unwrap();
        assert!((controls.global_amount - 0.4).abs() < 1e-6);
        assert_eq!(controls.mics[3].floor, Decibels(-24.0));
        let roles: Vec<Role> = controls.mics[..4].iter().map(|mic| mic.role).collect();
        assert_eq!(roles, [Role::Close, Role::Room, Role::Room, Role::Close]);
        for level in ["24", "-24", "-24dB"] {
            let controls = options(&format!("--floor-db {level}")).controls(&places(), 3).unwrap();
            assert_eq!(controls.mics[0].floor, Decibels(-24.0), "{level}");
        }
    }

    #[test]
    fn senseless_options_are_refused_in_one_line() {
        for (line, part) in [
            ("--amount 101", "outside 0 to 100"),
            ("--group 1,4", "there are 3 mics"),
            ("--group 1,x", "is not a number"),
            ("--group 2", "at least two mics"),
            ("--group 1,2 --group 2,3", "already in a group"),
            ("--room 0", "there are 3 mics"),
        ] {
            let error = options(line).controls(&places(), 3).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{line}: {error}");
        }
        for (line, part) in [
            ("--method magic", "no method magic"),
            ("--method cancel --learn none", "remove --learn none"),
            ("--method fastmira --learn none", "remove --learn none"),
            ("--method online --learn session", "remove --learn session"),
            ("--method mira --learn session", "remove --learn session"),
        ] {
            let error = options(line).method().unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
        for (line, part) in [
            ("--model nobody-7", "no such model or folder"),
            ("--method network --learn none --model nobody-7", "no such model or folder"),
            ("--method cancel --model band-a", "does not use a network"),
        ] {
            let options = options(line);
            let error = options.model(options.method().unwrap()).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn the_method_follows_from_learning_unless_it_is_named() {
        for (line, method) in [
            ("", Method::Network),
            ("--learn session", Method::Network),
            ("--learn none", Method::NetworkOnline),
            ("--model here", Method::Network),
            ("--model here --learn none", Method::NetworkOnline),
            ("--method network", Method::Network),
            ("--method network --learn none", Method::NetworkOnline),
            ("--method network-online", Method::NetworkOnline),
            ("--method network-online --learn session", Method::Network),
            ("--method network-learned", Method::NetworkLearned),
            ("--method network-learned --learn none", Method::NetworkOnline),
            ("--method cancel", Method::Cancel),
            ("--method online", Method::Online),
            ("--method ratio --learn none", Method::Ratio),
            ("--method fastmira --learn session", Method::FastMira),
        ] {
            assert_eq!(options(line).method().unwrap(), method, "{line}");
        }
    }
}

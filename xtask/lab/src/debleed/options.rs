//! Options of `debleed` and their conversion to engine settings.

use crate::cleaning::{Method, model};
use anyhow::{Result, bail, ensure};
use audiofile::MicChannel;
use clap::{Args, ValueEnum};
use engine::network::Model;
use engine::{Controls, Decibels, GroupId, Mode, Role};
use std::path::PathBuf;

/// What to clean and how.
#[derive(Clone, Debug, Args)]
pub struct DebleedOptions {
    /// WAV, AIFF, CAF or FLAC files: a mono file is a mic, a stereo file is a mic with two sides,
    /// and of a file with more channels each is a mic
    #[arg(required = true, value_name = "MIC")]
    pub mics: Vec<PathBuf>,
    /// Folder for the cleaned mics
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder for what was removed from each mic
    #[arg(long, value_name = "DIR")]
    pub removed: Option<PathBuf>,
    /// How the bleed is found [default: network]
    ///
    /// network: cancellation learned from the whole session and steered by a trained network; with
    /// --learn none (or as network-online) while it plays, as in the plugin;
    /// network-learned: the plugin after its Learn has heard the session once;
    /// online: cancellation that adapts while it plays, without a network;
    /// cancel: cancellation learned from the whole session first;
    /// ratio: each mic's share of the power of all mics;
    /// kamir, mira: per-bin crosstalk, found chunk by chunk;
    /// fastmira: the same, learned from the whole session first
    #[arg(long, value_name = "NAME")]
    pub method: Option<String>,
    /// live: short transforms, what the plugin does in its low-latency mode; mix: long ones, with
    /// lookahead. Only network-online, network-learned, online and ratio have both; the other
    /// methods are what they are
    #[arg(long, default_value = "mix", value_parser = crate::cleaning::parse_mode)]
    pub mode: Mode,
    /// Whether the whole session is heard before it is cleaned [default: as the method needs]
    ///
    /// network can do both, and learns unless told otherwise. session asks for a method that learns
    /// first (network-learned, cancel, fastmira), none for one that does not (online, ratio, kamir,
    /// mira); a method that cannot do as asked is refused
    #[arg(long)]
    pub learn: Option<Learn>,
    /// The network's model: a folder with its card, or a released one by id, with or without
    /// version [default: the newest released one]
    #[arg(long, value_name = "ID|DIR")]
    pub model: Option<String>,
    /// How much of the found bleed is removed, in percent
    #[arg(long, default_value_t = 100.0, value_name = "0..100")]
    pub amount: f32,
    /// The most that anything is turned down, in dB; 24, -24 and -24dB mean the same
    #[arg(long, allow_hyphen_values = true, value_parser = audiofile::parse_floor_db, value_name = "X")]
    pub floor_db: Option<f32>,
    /// Mics that share a source, by their positions: 1,2 (repeatable)
    #[arg(long, value_name = "1,2")]
    pub group: Vec<String>,
    /// A mic that hears everything and is passed through, by its position (repeatable)
    #[arg(long, value_name = "5", value_delimiter = ',')]
    pub room: Vec<usize>,
    /// Let all files start together, whatever their time stamps (BWF) say; their lengths must
    /// agree then
    #[arg(long)]
    pub ignore_timestamps: bool,
    /// File for levels, latency and processing time; - is standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Replace files that are there already; never the mics themselves
    #[arg(long)]
    pub overwrite: bool,
}

/// Whether methods that learn from the whole session do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Learn {
    /// They hear it before they clean it.
    Session,
    /// Nothing is heard ahead.
    None,
}

impl DebleedOptions {
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
                bail!("method {method} learns nothing ahead; it cannot go with --learn session")
            }
            None => bail!(
                "method {method} learns from the whole session first; it cannot go with --learn none"
            ),
        }
    }

    /// Returns the model for this method.
    pub(super) fn model(&self, method: Method) -> Result<Option<Model>> {
        if method.needs_model() {
            return model::find(self.model.as_deref());
        }
        ensure!(self.model.is_none(), "method {method} asks no network; leave --model away");
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
            ensure!(members.len() > 1, "--group {group} names fewer than two mics");
            for mic in members {
                ensure!(
                    group_of_mic[mic].replace(id).is_none(),
                    "--group {group}: mic {} is in a group already",
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
                "--room {position}: mics are numbered 1 to {num_mics}"
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
            Ok(_) => bail!("--group {list}: mics are numbered 1 to {num_mics}"),
            Err(_) => bail!("--group {list}: {item:?} is not the position of a mic"),
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
            ("--group 1,4", "numbered 1 to 3"),
            ("--group 1,x", "not the position"),
            ("--group 2", "fewer than two"),
            ("--group 1,2 --group 2,3", "in a group already"),
            ("--room 0", "numbered 1 to 3"),
        ] {
            let error = options(line).controls(&places(), 3).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{line}: {error}");
        }
        for (line, part) in [
            ("--method magic", "no method magic"),
            ("--method cancel --learn none", "cannot go with --learn none"),
            ("--method fastmira --learn none", "cannot go with --learn none"),
            ("--method online --learn session", "cannot go with --learn session"),
            ("--method mira --learn session", "cannot go with --learn session"),
        ] {
            let error = options(line).method().unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
        for (line, part) in [
            ("--model nobody-7", "no folder of that name"),
            ("--method network --learn none --model nobody-7", "no folder of that name"),
            ("--method cancel --model band-a", "asks no network"),
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

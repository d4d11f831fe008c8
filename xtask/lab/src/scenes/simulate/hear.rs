//! Computes the signals at every mic of a layout, split into own sources and bleed.

use super::cast::Role;
use crate::convert::{db_to_lin, to_f32};
use crate::convolution::{Convolver, Heard as Sum, Transformed};
use crate::random::Random;
use crate::scenes::console::Images;
use crate::scenes::layout::{Layout, Miking, StageMic};
use crate::scenes::sources::Part;
use anyhow::{Context, Result, ensure};

/// All inputs of the computation.
pub(super) struct Stage<'a> {
    pub(super) layout: &'a Layout,
    /// One role per source of the layout.
    pub(super) roles: &'a [Role],
    pub(super) parts: &'a [Part],
    pub(super) rate_hz: u32,
    pub(super) tail_seed: u64,
}

/// The signals at one mic.
pub(super) struct Heard {
    pub(super) images: Images,
    /// True if the mic's own source is silent throughout.
    pub(super) silent: bool,
    /// Peak of the own source's image if its silent source played; 0 if it is unknown.
    peak_if_played: f32,
}

impl Heard {
    /// Returns the peak for which the preamp of a mic with a silent source is set.
    pub(super) fn expected_peak(&self, random: &mut Random) -> Option<f32> {
        // Assumed level of the own source at the sound check over the bleed.
        let louder_db = random.between(6.0, 26.0);
        if !self.silent {
            return None;
        }
        if self.peak_if_played > 0.0 {
            return Some(self.peak_if_played);
        }
        let bleed_peak = self.images.bleed.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
        Some(bleed_peak * to_f32(db_to_lin(louder_db)))
    }
}

/// Computes the signals at all mics, before the console.
pub(super) fn hear(stage: &Stage<'_>) -> Result<Vec<Heard>> {
    let length = stage.parts.first().map_or(0, |part| part.dry.len());
    ensure!(stage.parts.iter().all(|part| part.dry.len() == length), "dry parts differ in length");
    let mut responses = Vec::with_capacity(stage.layout.mics.len());
    for (number, mic) in (0_u64..).zip(&stage.layout.mics) {
        responses.push(stage.responses(number, mic)?);
    }
    let longest = responses.iter().flatten().flatten().map(Vec::len).max().unwrap_or(0);
    let convolver = Convolver::new(length, longest);
    let dry: Vec<Transformed> = stage
        .roles
        .iter()
        .map(|role| convolver.transform(&stage.parts[role.part].dry))
        .collect::<Result<_>>()?;
    let mics = stage.layout.mics.iter().zip(&responses);
    mics.map(|(mic, responses)| stage.heard_by(mic, responses, &dry, &convolver)).collect()
}

impl Stage<'_> {
    /// Returns the impulse response from each source to this mic, or `None` if the mic picks up
    /// nothing of it through the room.
    fn responses(&self, mic_number: u64, mic: &StageMic) -> Result<Vec<Option<Vec<f32>>>> {
        let of_mic = Random::for_part(self.tail_seed, mic_number).bits();
        let mut responses = Vec::with_capacity(self.roles.len());
        for (source, role) in self.roles.iter().enumerate() {
            let own = mic.own == Some(source);
            let heard = own || (self.sounds_in_room(role) && !self.is_isolated(mic));
            responses.push(if heard && !(own && role.miking == Miking::Direct) {
                let seed = Random::for_part(of_mic, source as u64).bits();
                let place = &self.layout.sources[source];
                let response = self
                    .layout
                    .room
                    .response(place, &mic.placed, f64::from(self.rate_hz), seed)
                    .with_context(|| format!("from {}", self.parts[role.part].name))?;
                Some(response)
            } else {
                None
            });
        }
        Ok(responses)
    }

    fn heard_by(
        &self,
        mic: &StageMic,
        responses: &[Option<Vec<f32>>],
        dry: &[Transformed],
        convolver: &Convolver,
    ) -> Result<Heard> {
        let mut own_sum = convolver.silence();
        let mut bleed_sum = convolver.silence();
        let mut has_bleed = false;
        for (source, response) in responses.iter().enumerate() {
            let Some(response) = response else { continue };
            // A mic without a source of its own is left unprocessed, so all sources are its own.
            let is_own = mic.own.is_none_or(|own| own == source);
            has_bleed |= !is_own;
            let sum: &mut Sum = if is_own { &mut own_sum } else { &mut bleed_sum };
            convolver.add(sum, &dry[source], response, 1.0)?;
        }
        let mut own = match mic.own {
            Some(source) if self.roles[source].miking == Miking::Direct => {
                self.parts[self.roles[source].part].dry.clone()
            }
            _ => convolver.finish(own_sum)?,
        };
        let bleed = if has_bleed { convolver.finish(bleed_sum)? } else { vec![0.0; own.len()] };
        let muted = mic.own.is_some_and(|own| self.roles[own].silent);
        let peak = own.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        if muted {
            own.fill(0.0);
        }
        let silent = mic.own.is_some() && (muted || peak <= 0.0);
        Ok(Heard { images: Images { own, bleed }, silent, peak_if_played: peak })
    }

    fn sounds_in_room(&self, role: &Role) -> bool {
        role.miking != Miking::Booth && !role.silent
    }

    /// True if the mic picks up its own source only.
    fn is_isolated(&self, mic: &StageMic) -> bool {
        let own = mic.own.map(|own| self.roles[own].miking);
        matches!(own, Some(Miking::Direct | Miking::Booth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{Pattern, PlacedMic, PlacedSource, Room, Tail};
    use crate::scenes::layout;
    use crate::scenes::sources::Family;

    const LENGTH: usize = 6_000;

    fn part(seed: u64) -> Part {
        let mut random = Random::new(seed);
        let dry = (0..LENGTH).map(|_| random.normal(0.0, 0.1) as f32).collect();
        Part { name: format!("{seed}"), family: Family::Voice, dry, made_of: Vec::new() }
    }

    /// Three sources with one mic each, and one mic in the room.
    fn layout() -> Layout {
        let at = |n: usize| [1.0 + n as f64, 2.0, 1.5];
        let mic = |own: Option<usize>| StageMic {
            own,
            role: if own.is_some() { layout::Role::Close } else { layout::Role::Room },
            placed: PlacedMic {
                at: own.map_or([3.5, 3.5, 2.0], |own| [at(own)[0], 2.2, 1.5]),
                aim: [0.0, -1.0, 0.0],
                pattern: Pattern::CARDIOID,
            },
            pattern: "cardioid",
        };
        let mut room = Room::new([6.0, 5.0, 3.0], 0.2);
        room.tail = Tail::Diffuse;
        Layout {
            room,
            sources: (0..3).map(|n| PlacedSource::omni(at(n))).collect(),
            mics: [Some(0), Some(1), Some(2), None].map(mic).into(),
        }
    }

    fn roles(miking: [Miking; 3], silent: [bool; 3]) -> Vec<Role> {
        (0..3).map(|n| Role { part: n, miking: miking[n], silent: silent[n] }).collect()
    }

    fn hear_with(roles: &[Role], parts: &[Part]) -> Vec<Heard> {
        let layout = layout();
        hear(&Stage { layout: &layout, roles, parts, rate_hz: 16_000, tail_seed: 7 }).unwrap()
    }

    /// Measured with this test: 1.2e-7.
    const ROUNDING: f32 = 1e-6;

    fn assert_alike(found: &[f32], expected: impl Iterator<Item = f32>) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < ROUNDING, "{found} {expected}");
        }
    }

    #[test]
    fn own_and_bleed_are_what_each_source_gives_alone() {
        let parts = [part(1), part(2), part(3)];
        let all = hear_with(&roles([Miking::One; 3], [false; 3]), &parts);
        let alone: Vec<Vec<Heard>> = (0..3)
            .map(|n| {
                let mut alone = parts.clone();
                for other in (0..3).filter(|&other| other != n) {
                    alone[other].dry.fill(0.0);
                }
                hear_with(&roles([Miking::One; 3], [false; 3]), &alone)
            })
            .collect();
        let heard = |source: usize, mic: usize| {
            let images = &alone[source][mic].images;
            images.own.iter().zip(&images.bleed).map(|(own, bleed)| own + bleed)
        };
        for (mic, found) in all.iter().enumerate().take(3) {
            assert_alike(&found.images.own, heard(mic, mic));
            let (one, other) = ((mic + 1) % 3, (mic + 2) % 3);
            let bleed = heard(one, mic).zip(heard(other, mic)).map(|(a, b)| a + b);
            assert_alike(&found.images.bleed, bleed);
        }
        // All sources are the room mic's own.
        let everything = heard(0, 3).zip(heard(1, 3)).zip(heard(2, 3)).map(|((a, b), c)| a + b + c);
        assert_alike(&all[3].images.own, everything);
        assert!(all[3].images.bleed.iter().all(|&sample| sample == 0.0));
    }

    #[test]
    fn clean_mics_hear_nobody_and_only_booths_are_heard_by_nobody() {
        let parts = [part(1), part(2), part(3)];
        let all =
            hear_with(&roles([Miking::Direct, Miking::Booth, Miking::One], [false; 3]), &parts);
        let silent = |samples: &[f32]| samples.iter().all(|&sample| sample == 0.0);
        assert_eq!(all[0].images.own, parts[0].dry, "a direct box has no room");
        assert!(silent(&all[0].images.bleed) && silent(&all[1].images.bleed));
        assert!(!silent(&all[1].images.own));
        // The third mic picks up the direct player, exactly as it would with an empty booth.
        let mut without = parts.clone();
        without[1].dry.fill(0.0);
        let booth_empty = hear_with(&roles([Miking::One; 3], [false; 3]), &without);
        assert_alike(&all[2].images.bleed, booth_empty[2].images.bleed.iter().copied());
        assert!(!silent(&all[2].images.bleed));
    }

    #[test]
    fn a_silent_source_leaves_its_mic_with_bleed_and_the_others_without() {
        let parts = [part(1), part(2), part(3)];
        let all = hear_with(&roles([Miking::One; 3], [true, false, false]), &parts);
        let silent = |samples: &[f32]| samples.iter().all(|&sample| sample == 0.0);
        assert!(all[0].silent && silent(&all[0].images.own) && !silent(&all[0].images.bleed));
        let mut without = parts.clone();
        without[0].dry.fill(0.0);
        let gone = hear_with(&roles([Miking::One; 3], [false; 3]), &without);
        assert_alike(&all[1].images.bleed, gone[1].images.bleed.iter().copied());
        // The preamp is set for the peak of the silent source; an unknown peak is drawn.
        let expected = all[0].expected_peak(&mut Random::new(1)).unwrap();
        let bleed = all[0].images.bleed.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
        assert!(expected > 2.0 * bleed, "{expected} {bleed}");
        assert!(gone[0].silent && gone[0].expected_peak(&mut Random::new(1)).unwrap() > bleed);
        assert_eq!(all[1].expected_peak(&mut Random::new(1)), None);
    }
}

//! What every mic of a layout hears of every source, own and others apart.

use super::cast::Role;
use crate::convert::{db_to_lin, to_f32};
use crate::convolution::{Convolver, Heard as Sum, Transformed};
use crate::random::Random;
use crate::scenes::console::Images;
use crate::scenes::layout::{Layout, Miking, StageMic};
use crate::scenes::sources::Part;
use anyhow::{Context, Result, ensure};

/// Everything that sounds.
pub(super) struct Stage<'a> {
    pub(super) layout: &'a Layout,
    /// One per source of the layout.
    pub(super) roles: &'a [Role],
    pub(super) parts: &'a [Part],
    pub(super) rate_hz: u32,
    pub(super) tail_seed: u64,
}

/// What one mic hears.
pub(super) struct Heard {
    pub(super) images: Images,
    /// Whether its own source is silent throughout.
    pub(super) silent: bool,
    /// The peak it would hear had its silent source played; 0 when nobody knows.
    peak_if_played: f32,
}

impl Heard {
    /// The peak that the preamp of a mic with a silent source is set for.
    pub(super) fn expected_peak(&self, random: &mut Random) -> Option<f32> {
        // At the sound check the source played: by so much louder than what it hears now.
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

/// Records all mics, dry of any console.
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
    /// The way from each source to this mic; `None` where it hears nothing of it.
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
            // A mic without a source of its own is to be left as it is: all it hears is its own.
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
        let bleed =
            if has_bleed { convolver.finish(bleed_sum)? } else { vec![0.0; own.len()] };
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

    /// Whether a mic hears its own source only.
    fn is_isolated(&self, mic: &StageMic) -> bool {
        let own = mic.own.map(|own| self.roles[own].miking);
        matches!(own, Some(Miking::Direct | Miking::Booth))
    }
}

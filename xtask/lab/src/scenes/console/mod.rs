//! What happens between a mic and its file, and what is true afterwards.
//!
//! A mic's signal is `x = own + bleed + noise`. The **linear** stages (gain, polarity, offset,
//! equaliser) act on the three alike, so the target is simply what they make of `own + noise`.
//! Self-noise and hum belong to the mic: they are in the target too, for removing bleed is not
//! denoising, and leaving noise alone must not count as a mistake.
//!
//! A **nonlinear** stage (compressor, saturation, clipping) has no parts to add up: what it does to
//! the whole depends on the whole. It is taken as a gain that varies in time, `g[t]`, and
//! `f(x)[t] = g[t] x[t]`; for a memoryless curve that is the local gain `g[t] = f(x[t]) / x[t]`.
//! The gain follows from the whole mic and is applied to mic and target alike. Why so:
//!
//! - what the mic has is still its target plus its bleed, sample by sample;
//! - a mic without bleed is its own target, exactly, and a silent source's target stays silent;
//! - whoever debleeds hears the coloured mic and need not undo the colour: a compressor ducked by
//!   the neighbour's snare ducks the own source as well, and stays so in the target.
//!
//! The other plausible definition, `f(own)`, asks for all of that to be undone, which is another
//! task (declipping), and would leave even the ideal mask with an error.

mod colour;
mod delay;
mod dynamics;
mod equaliser;
mod hum;

use super::recipe::{ConsoleConfig, EqualiserConfig, Range};
use crate::convert::{db_to_lin, to_f32};
use crate::random::Random;
use dynamics::Compressor;
use equaliser::Biquad;
use serde::Serialize;

/// The console's settings for one mic, as drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chain {
    /// Level of the loudest sample in the end, in dB of full scale.
    pub peak_db: f64,
    /// Whether the polarity is turned.
    pub inverted: bool,
    /// Delay in milliseconds.
    pub offset_ms: f64,
    /// RMS of the self-noise under the peak, in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_below_db: Option<f64>,
    /// RMS of the hum under the peak, in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hum_below_db: Option<f64>,
    /// Corner of the high-pass in Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_pass_hz: Option<f64>,
    /// Shelves and bells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
    /// The compressor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressor: Option<Compressor>,
    /// How far the peak is over full drive of the soft saturation, in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturation_db: Option<f64>,
    /// How far the peak is cut, in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipping_db: Option<f64>,
}

/// One band of an equaliser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// What it is.
    pub shape: Shape,
    /// Corner or centre.
    pub hz: f64,
    /// Its gain.
    pub gain_db: f64,
}

/// Kinds of bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// All that is lower.
    LowShelf,
    /// All that is higher.
    HighShelf,
    /// Around the centre.
    Bell,
}

/// What one mic heard, apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// `[sample]`, its own source, or sources.
    pub own: Vec<f32>,
    /// `[sample]`, all others.
    pub bleed: Vec<f32>,
}

/// A mic as recorded, with its target.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// `[sample]`.
    pub mic: Vec<f32>,
    /// `[sample]`.
    pub target: Vec<f32>,
    /// Everything that was done to the level but for the nonlinear stages, in dB.
    pub gain_db: f64,
}

/// What is the same for all mics of a scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mains {
    /// Frequency of the mains.
    pub hz: f64,
    /// Sample rate.
    pub rate_hz: u32,
}

impl Chain {
    /// Draws the settings of one mic. `usually_inverted`: as mics under a drum are.
    pub fn draw(config: &ConsoleConfig, usually_inverted: bool, random: &mut Random) -> Self {
        let optional = |chance: f64, range: Range, random: &mut Random| {
            let (there, value) = (random.chance(chance), range.draw(random));
            there.then_some(value)
        };
        // Engineers turn the polarity under a drum, or forget to.
        let inverted = if usually_inverted {
            config.polarity > 0.0 && random.chance(0.5)
        } else {
            random.chance(config.polarity)
        };
        let (high_pass_hz, bands) = draw_equaliser(&config.equaliser, random);
        Self {
            peak_db: config.peak_db.draw(random),
            inverted,
            offset_ms: optional(config.offset.chance, config.offset.ms, random).unwrap_or(0.0),
            noise_below_db: optional(config.noise.chance, config.noise.below_db, random),
            hum_below_db: optional(config.hum.chance, config.hum.below_db, random),
            high_pass_hz,
            bands,
            compressor: Compressor::draw(&config.compression, random),
            saturation_db: optional(config.saturation.chance, config.saturation.db, random),
            clipping_db: optional(config.clipping.chance, config.clipping.db, random),
        }
    }

    /// Records one mic.
    ///
    /// `expected_peak` is the level of the loudest sample that the preamp was set for, as it
    /// arrives at the mic: what it would have heard had its silent source played. With `None`, or
    /// where the mic hears more, it is set for what the mic hears. Neither mic nor target exceeds
    /// `peak_db` in the end.
    pub fn record(
        &self,
        images: Images,
        expected_peak: Option<f32>,
        mains: Mains,
        random: &mut Random,
    ) -> Recorded {
        let Images { mut own, mut bleed } = images;
        // How loud the mic is beside what it was set for: 1 unless its source is silent.
        let arrived = peak_of_sum(&own, &bleed);
        let share = expected_peak.map_or(1.0, |peak| (arrived / peak.max(1e-9)).min(1.0));
        let filters = self.filters(f64::from(mains.rate_hz));
        for part in [&mut own, &mut bleed] {
            delay::delay(part, self.offset_ms * 1e-3 * f64::from(mains.rate_hz));
            filters.iter().for_each(|filter| filter.apply(part));
        }
        let heard = peak_of_sum(&own, &bleed);
        let preamp = if heard > 0.0 { f64::from(share) / f64::from(heard) } else { 1.0 };
        let preamp = if self.inverted { -preamp } else { preamp };
        scale(&mut own, preamp);
        scale(&mut bleed, preamp);
        self.add_noise(&mut own, mains, random);
        let mut mic: Vec<f32> = own.iter().zip(&bleed).map(|(own, bleed)| own + bleed).collect();
        let mut target = own;
        self.colour(&mut mic, &mut target, mains.rate_hz);
        let peak = mic.iter().chain(&target).fold(0.0_f32, |top, sample| top.max(sample.abs()));
        // A mic that heard less than it was set for stays as quiet as it is.
        let full = if share < 1.0 || peak <= 0.0 { peak.max(1.0) } else { peak };
        let fader = db_to_lin(self.peak_db) / f64::from(full);
        scale(&mut mic, fader);
        scale(&mut target, fader);
        Recorded { mic, target, gain_db: 20.0 * (preamp.abs() * fader).log10() }
    }

    /// The nonlinear stages in the order of a channel strip: compressor, what saturates, what clips.
    fn colour(&self, mic: &mut [f32], target: &mut [f32], rate_hz: u32) {
        if let Some(compressor) = &self.compressor {
            share(&compressor.gains(mic, rate_hz), mic, target);
        }
        if let Some(drive_db) = self.saturation_db {
            share(&colour::saturation_gains(mic, drive_db), mic, target);
        }
        if let Some(over_db) = self.clipping_db {
            share(&colour::clipping_gains(mic, over_db), mic, target);
        }
    }

    fn filters(&self, rate_hz: f64) -> Vec<Biquad> {
        let high_pass = self.high_pass_hz.map(|hz| Biquad::high_pass(hz, rate_hz));
        let bands = self.bands.iter().map(|band| match band.shape {
            Shape::LowShelf => Biquad::low_shelf(band.hz, band.gain_db, rate_hz),
            Shape::HighShelf => Biquad::high_shelf(band.hz, band.gain_db, rate_hz),
            Shape::Bell => Biquad::bell(band.hz, band.gain_db, rate_hz),
        });
        high_pass.into_iter().chain(bands).collect()
    }

    fn add_noise(&self, own: &mut [f32], mains: Mains, random: &mut Random) {
        if let Some(below_db) = self.noise_below_db {
            let level = db_to_lin(-below_db);
            own.iter_mut().for_each(|sample| *sample += to_f32(random.normal(0.0, level)));
        }
        if let Some(below_db) = self.hum_below_db {
            hum::add(own, mains, db_to_lin(-below_db), random);
        }
    }
}

fn draw_equaliser(config: &EqualiserConfig, random: &mut Random) -> (Option<f64>, Vec<Band>) {
    if !random.chance(config.chance) {
        return (None, Vec::new());
    }
    let high_pass_hz = random.chance(0.5).then(|| config.high_pass_hz.draw_log(random));
    let mut bands = Vec::new();
    for (shape, low_hz, high_hz) in [
        (Shape::LowShelf, 60.0, 300.0),
        (Shape::Bell, 200.0, 5_000.0),
        (Shape::HighShelf, 2_500.0, 6_500.0),
    ] {
        if random.chance(0.5) {
            let hz = Range::new(low_hz, high_hz).draw_log(random);
            bands.push(Band { shape, hz, gain_db: config.gain_db.draw(random) });
        }
    }
    (high_pass_hz, bands)
}

/// Applies a gain that varies in time to mic and target alike.
fn share(gains: &[f32], mic: &mut [f32], target: &mut [f32]) {
    for ((mic, target), gain) in mic.iter_mut().zip(target).zip(gains) {
        *mic *= gain;
        *target *= gain;
    }
}

fn peak_of_sum(own: &[f32], bleed: &[f32]) -> f32 {
    own.iter().zip(bleed).fold(0.0, |top, (own, bleed)| top.max((own + bleed).abs()))
}

fn scale(signal: &mut [f32], gain: f64) {
    let gain = to_f32(gain);
    signal.iter_mut().for_each(|sample| *sample *= gain);
}

#[cfg(test)]
mod tests;

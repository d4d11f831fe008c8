//! The console: the processing between a mic and its file, and the target that results.
//!
//! A mic's signal is `x = own + bleed + noise`. The **linear** stages (gain, polarity, offset,
//! equaliser) apply to each of the three separately, so the target is `own + noise` after these
//! stages. Self-noise and hum belong to the mic and are part of the target: bleed removal is not
//! denoising, and unchanged noise must not count as an error.
//!
//! A **nonlinear** stage (compressor, saturation, clipping) cannot be applied to the parts
//! separately, because its effect depends on their sum. It is expressed as a time-varying gain
//! `g[t]` with `f(x)[t] = g[t] x[t]`. For a memoryless curve that is the local gain `g[t] = f(x[t])
//! / x[t]`. The gain is computed from the whole mic and applied to mic and target alike. This has
//! three advantages:
//!
//! - The mic remains the sum of its target and its bleed, sample by sample.
//! - A mic without bleed is exactly its own target, and the target of a silent source stays silent.
//! - A debleeder receives the coloured mic and need not undo the colour. A compressor ducked by a
//!   neighbour's snare ducks the own source as well, also in the target.
//!
//! The other plausible definition, `f(own)`, requires undoing the nonlinearity. That is another
//! task (declipping), and even the ideal mask would have an error.

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

/// The drawn console settings of one mic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chain {
    /// Peak level of the recording in dB of full scale. Mics with a silent source stay below it.
    pub peak_db: f64,
    /// True if the polarity is inverted.
    pub inverted: bool,
    /// Delay in milliseconds.
    pub offset_ms: f64,
    /// RMS of the self-noise in dB below the peak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_below_db: Option<f64>,
    /// RMS of the hum in dB below the peak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hum_below_db: Option<f64>,
    /// Corner frequency of the high-pass in Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_pass_hz: Option<f64>,
    /// Shelves and bells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
    /// The compressor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressor: Option<Compressor>,
    /// Drive of the soft saturation at the peak, in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturation_db: Option<f64>,
    /// Part of the peak that is clipped, in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipping_db: Option<f64>,
}

/// One band of an equaliser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Shape of the band.
    pub shape: Shape,
    /// Corner or centre frequency in Hz.
    pub hz: f64,
    /// Gain in dB.
    pub gain_db: f64,
}

/// Shapes of equaliser bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Acts below the corner frequency.
    LowShelf,
    /// Acts above the corner frequency.
    HighShelf,
    /// Acts around the centre frequency.
    Bell,
}

/// The signal at one mic, split into own sources and bleed.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// `[sample]`, the mic's own source or sources.
    pub own: Vec<f32>,
    /// `[sample]`, all other sources.
    pub bleed: Vec<f32>,
}

/// A recorded mic with its target.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// `[sample]`, the mic.
    pub mic: Vec<f32>,
    /// `[sample]`, the target.
    pub target: Vec<f32>,
    /// Gain of preamp and fader together, in dB.
    pub gain_db: f64,
}

/// Settings that all mics of a scene share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mains {
    /// Frequency of the mains in Hz.
    pub hz: f64,
    /// Sample rate in Hz.
    pub rate_hz: u32,
}

impl Chain {
    /// Draws the settings of one mic.
    ///
    /// With `usually_inverted`, as for mics below a drum, the polarity is inverted half the time.
    pub fn draw(config: &ConsoleConfig, usually_inverted: bool, random: &mut Random) -> Self {
        let optional = |chance: f64, range: Range, random: &mut Random| {
            let (there, value) = (random.chance(chance), range.draw(random));
            there.then_some(value)
        };
        // Below a drum, engineers invert the polarity, or forget to. A polarity chance of 0
        // disables it.
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
    /// `expected_peak` is the peak at the mic, before the console, for which the preamp was set:
    /// the peak that the mic would pick up if its silent source played. If it is `None`, or if
    /// the signal's peak is higher, the preamp is set for the signal. Neither mic nor target
    /// exceeds `peak_db`.
    pub fn record(
        &self,
        images: Images,
        expected_peak: Option<f32>,
        mains: Mains,
        random: &mut Random,
    ) -> Recorded {
        let Images { mut own, mut bleed } = images;
        // Ratio of the signal's peak to the expected one; 1 unless the mic's source is silent.
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
        // A signal below the expected peak keeps its low level.
        let full = if share < 1.0 || peak <= 0.0 { peak.max(1.0) } else { peak };
        let fader = db_to_lin(self.peak_db) / f64::from(full);
        scale(&mut mic, fader);
        scale(&mut target, fader);
        Recorded { mic, target, gain_db: 20.0 * (preamp.abs() * fader).log10() }
    }

    /// Applies the nonlinear stages in the order of a channel strip: compressor,
    /// saturation, clipping.
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

/// Applies a time-varying gain to mic and target alike.
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

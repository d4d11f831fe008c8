//! Absorption of sound by the air.

/// Absorption by the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Air {
    /// No absorption. The walls alone determine the decay time.
    Lossless,
    /// Absorption of air at 20 °C and 50 % relative humidity. The walls are chosen so that walls
    /// and air together give the requested decay time.
    Absorbing,
}

/// State of the air.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Climate {
    /// Temperature in °C.
    pub temperature_c: f64,
    /// Relative humidity in percent.
    pub humidity_percent: f64,
}

impl Climate {
    /// A studio or a hall: 20 °C, 50 %.
    pub const INDOORS: Self = Self { temperature_c: 20.0, humidity_percent: 50.0 };

    /// Returns the absorption of a frequency at one atmosphere.
    ///
    /// # Units
    ///
    /// Decibels per metre.
    ///
    /// # Source
    ///
    /// ISO 9613-1:1993, "Acoustics: attenuation of sound during propagation outdoors, part 1:
    /// calculation of the absorption of sound by the atmosphere", equations 3 to 5 (relaxation
    /// frequencies of oxygen and nitrogen, absorption) and B.2, B.3 (water vapour), at the
    /// reference pressure.
    #[must_use]
    pub fn absorption_db_per_m(self, at_hz: f64) -> f64 {
        let kelvin = self.temperature_c + 273.15;
        let warmth = kelvin / 293.15;
        let saturation = 10.0_f64.powf(-6.8346 * (273.16 / kelvin).powf(1.261) + 4.6151);
        // Molar concentration of water vapour in percent.
        let vapour = self.humidity_percent * saturation;
        let oxygen_hz = 24.0 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour);
        let nitrogen_hz = warmth.powf(-0.5)
            * (9.0 + 280.0 * vapour * (-4.170 * (warmth.powf(-1.0 / 3.0) - 1.0)).exp());
        let squared = at_hz * at_hz;
        let classical = 1.84e-11 * warmth.sqrt();
        let oxygen = 0.012_75 * (-2_239.1 / kelvin).exp() / (oxygen_hz + squared / oxygen_hz);
        let nitrogen = 0.106_8 * (-3_352.0 / kelvin).exp() / (nitrogen_hz + squared / nitrogen_hz);
        8.686 * squared * (classical + warmth.powf(-2.5) * (oxygen + nitrogen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absorption_is_that_of_the_published_table() {
        // ISO 9613-2:1996, table 2, dB per km; the table rounds to the digits given here.
        let octaves_hz = [63.0, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];
        let table = [
            (10.0, 70.0, [0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0]),
            (20.0, 70.0, [0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6]),
            (30.0, 70.0, [0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3]),
            (15.0, 20.0, [0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202.0]),
            (15.0, 50.0, [0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129.0]),
            (15.0, 80.0, [0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8]),
        ];
        for (temperature_c, humidity_percent, expected_db_per_km) in table {
            let climate = Climate { temperature_c, humidity_percent };
            for (nominal_hz, expected) in octaves_hz.into_iter().zip(expected_db_per_km) {
                // The exact midband frequency of a nominal octave (ISO 266).
                let octaves = (nominal_hz / 1_000.0_f64).log2().round();
                let at_hz = 1_000.0 * 10.0_f64.powf(0.3 * octaves);
                let found = 1_000.0 * climate.absorption_db_per_m(at_hz);
                let rounding = if expected >= 100.0 { 0.5 } else { 0.05 };
                assert!(
                    (found - expected).abs() < rounding + 0.004 * expected,
                    "{climate:?} {at_hz} Hz: {found} instead of {expected}"
                );
            }
        }
    }
}

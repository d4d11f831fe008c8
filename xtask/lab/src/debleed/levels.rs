//! Levels of a mic before and after cleaning, accumulated block by block.

/// Accumulated energies of one mic.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Levels {
    input: f64,
    output: f64,
    removed: f64,
    num_samples: u64,
}

impl Levels {
    pub(super) fn add(&mut self, dry: &[f32], clean: &[f32]) {
        for (&d, &c) in dry.iter().zip(clean) {
            let (d, c) = (f64::from(d), f64::from(c));
            self.input += d * d;
            self.output += c * c;
            self.removed += (d - c).powi(2);
        }
        self.num_samples += dry.len() as u64;
    }

    pub(super) fn input_db(&self) -> Option<f64> {
        self.level_db(self.input)
    }

    pub(super) fn output_db(&self) -> Option<f64> {
        self.level_db(self.output)
    }

    pub(super) fn removed_db(&self) -> Option<f64> {
        self.level_db(self.removed)
    }

    fn level_db(&self, energy: f64) -> Option<f64> {
        (energy > 0.0).then(|| 10.0 * (energy / self.num_samples as f64).log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_all_blocks_together() {
        let mut levels = Levels::default();
        levels.add(&[1.0, -1.0], &[0.1, -0.1]);
        levels.add(&[1.0], &[0.1]);
        assert!(levels.input_db().unwrap().abs() < 1e-9);
        assert!((levels.output_db().unwrap() + 20.0).abs() < 1e-6);
        assert!((levels.removed_db().unwrap() - 20.0 * 0.9_f64.log10()).abs() < 1e-6);
        assert_eq!(Levels::default().input_db(), None);
    }
}

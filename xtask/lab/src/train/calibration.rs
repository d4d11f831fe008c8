//! Calibration of masks: predicted gains compared with the gains that would have been best.

use super::sums::Sums;
use anyhow::{Context, Result};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Number of classes, of equal width from 0 to 1.
const NUM_CLASSES: usize = 10;

/// The bins whose predicted gain lies in one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Mean predicted gain.
    pub predicted: f64,
    /// The one gain that would have been best for all of them (least squares).
    pub ideal: f64,
    /// Their share of the total power after cancellation.
    pub share: f64,
}

/// Sums of the classes over any number of scenes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Calibration {
    /// Power after cancellation, that power times the predicted gain, and product with the truth.
    classes: [[f64; 3]; NUM_CLASSES],
}

impl Calibration {
    /// Computes the sums for the keep masks of a batch; `sums` are those that score the masks.
    ///
    /// # Errors
    ///
    /// Returns an error if a tensor is not of single precision.
    pub(super) fn of(keep: &Tensor<4>, sums: &Sums) -> Result<Self> {
        let weights = sums.weights.clone().reshape([-1, 1]);
        let [batch, mics, hops, bands] = keep.dims();
        let flat = |values: &Tensor<4>| -> Result<Vec<f32>> {
            let rows = values.clone().reshape([batch * mics, hops * bands]);
            let data = (rows * weights.clone()).into_data();
            Ok(data.as_slice::<f32>().ok().context("sums are single precision")?.to_vec())
        };
        let gains = keep.to_data();
        let gains = gains.as_slice::<f32>().ok().context("masks are single precision")?;
        let mut found = Self::default();
        let both = flat(&sums.after)?.into_iter().zip(flat(&sums.product)?);
        for (&gain, (after, product)) in gains.iter().zip(both) {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a mask is within 0 and 1, and the cast saturates"
            )]
            let class = ((gain * NUM_CLASSES as f32) as usize).min(NUM_CLASSES - 1);
            let (gain, after) = (f64::from(gain), f64::from(after));
            for (sum, value) in
                found.classes[class].iter_mut().zip([after, gain * after, f64::from(product)])
            {
                *sum += value;
            }
        }
        Ok(found)
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sums, others) in self.classes.iter_mut().zip(&other.classes) {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
    }

    /// Returns the classes that hold any power, from the lowest gain on.
    pub(super) fn classes(&self) -> Vec<Class> {
        let all: f64 = self.classes.iter().map(|sums| sums[0]).sum();
        let held = self.classes.iter().filter(|sums| sums[0] > 0.0);
        held.map(|&[after, predicted, product]| Class {
            predicted: predicted / after,
            ideal: product / after,
            share: after / all,
        })
        .collect()
    }
}

/// Returns the mean distance of predicted from ideal gains, weighted by power.
#[must_use]
pub fn error(classes: &[Class]) -> f64 {
    classes.iter().map(|class| class.share * (class.predicted - class.ideal).abs()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn classes_are_those_computed_by_hand() {
        let device = Device::flex();
        let tensor = |values: [f32; 8]| -> Tensor<4> {
            Tensor::from_data(TensorData::new(values.to_vec(), [1, 2, 2, 2]), &device)
        };
        // The second mic has no weight.
        let keep = tensor([0.92, 1.0, 0.05, 0.55, 0.5, 0.5, 0.5, 0.5]);
        let sums = Sums {
            after: tensor([1.0, 3.0, 2.0, 2.0, 9.0, 9.0, 9.0, 9.0]),
            product: tensor([0.8, 3.0, 0.4, 1.0, 9.0, 9.0, 9.0, 9.0]),
            truth: tensor([0.0; 8]),
            before: tensor([0.0; 8]),
            bleed: tensor([0.0; 8]),
            weights: Tensor::from_data(TensorData::new(vec![1.0, 0.0], [1, 2]), &device),
            combinations: None,
        };
        let mut found = Calibration::of(&keep, &sums).unwrap();
        let classes = found.classes();
        let expected = [(0.05, 0.2, 0.25), (0.55, 0.5, 0.25), (0.98, 0.95, 0.5)];
        assert_eq!(classes.len(), expected.len());
        for (class, (predicted, ideal, share)) in classes.iter().zip(expected) {
            for (found, wanted) in
                [(class.predicted, predicted), (class.ideal, ideal), (class.share, share)]
            {
                assert!((found - wanted).abs() < 1e-6, "{found}, expected {wanted}");
            }
        }
        assert!((error(&classes) - (0.25 * 0.15 + 0.25 * 0.05 + 0.5 * 0.03)).abs() < 1e-6);
        found.add(&found.clone());
        let doubled = found.classes();
        assert!((error(&doubled) - error(&classes)).abs() < 1e-12);
        assert_eq!(Calibration::default().classes(), []);
    }
}

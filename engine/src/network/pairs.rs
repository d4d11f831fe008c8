//! Relations of mics as inputs of the network: bleed and common sources.

use burn::tensor::{Device, Tensor, TensorData};

use crate::controls::{Controls, Role};
use crate::debleed::is_bleed;

/// Pairwise relations of mics. The network distinguishes mics by them and their features only.
///
/// # Shapes
///
/// All `[batch, mic, mic]`. Rows are the receiving mics.
///
/// # Invariants
///
/// Reordering mics reorders rows and columns alike. Absent mics have empty rows and columns.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// Average over the mics that can bleed into each mic: rows sum to 1, or to 0 without
    /// such mics.
    pub(super) bleeders: Tensor<3>,
    /// Average over the other mics of the same source: rows sum to 1, or to 0 without such mics.
    pub(super) siblings: Tensor<3>,
    /// 0 where column can bleed into row, otherwise a large negative number.
    pub(super) barred: Tensor<3>,
    /// 1 for a mic that any other can bleed into, otherwise 0, `[batch, mic, 1]`.
    pub(super) has_bleeders: Tensor<3>,
}

/// Lower than any value that mics exchange.
const BARRED: f32 = -1e4;

impl Pairs {
    /// Returns the relations of some mics of `controls`, in the order of `mics`, as a batch of one.
    /// Mics that are not `active` count as absent.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    #[must_use]
    pub fn of(controls: &Controls, active: &[bool], mics: &[usize], device: &Device) -> Self {
        let here = |i: usize, j: usize| active[mics[i]] && active[mics[j]];
        let bleeds = |i: usize, j: usize| here(i, j) && is_bleed(controls, mics[i], mics[j]);
        let one_source = |i: usize, j: usize| {
            let (a, b) = (&controls.mics[mics[i]], &controls.mics[mics[j]]);
            i != j && here(i, j) && a.group.is_some() && a.group == b.group && b.role == Role::Close
        };
        Self::from_relations(&[mics.len()], bleeds, one_source, device)
    }

    /// Returns the relations of a batch. `num_mics` has one entry per clip, and clips are padded to
    /// the largest.
    ///
    /// The arguments of `bleeds` and `one_source` are the receiving and the other mic, counted
    /// through the whole batch: `clip * largest + mic`.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    #[must_use]
    pub fn from_relations(
        num_mics: &[usize],
        bleeds: impl Fn(usize, usize) -> bool,
        one_source: impl Fn(usize, usize) -> bool,
        device: &Device,
    ) -> Self {
        let largest = num_mics.iter().copied().max().unwrap_or(0);
        let shape = [num_mics.len(), largest, largest];
        let size = shape.iter().product();
        let (mut bleeders, mut siblings) = (vec![0.0_f32; size], vec![0.0_f32; size]);
        let mut barred = vec![BARRED; size];
        let mut has_bleeders = vec![0.0_f32; num_mics.len() * largest];
        for (clip, &num_mics) in num_mics.iter().enumerate() {
            for row in 0..num_mics {
                let listener = clip * largest + row;
                let others = |related: &dyn Fn(usize, usize) -> bool| -> Vec<usize> {
                    (0..num_mics).filter(|&j| related(listener, clip * largest + j)).collect()
                };
                let those = others(&bleeds);
                for &j in &those {
                    bleeders[listener * largest + j] = 1.0 / those.len() as f32;
                    barred[listener * largest + j] = 0.0;
                    has_bleeders[listener] = 1.0;
                }
                let those = others(&one_source);
                for &j in &those {
                    siblings[listener * largest + j] = 1.0 / those.len() as f32;
                }
            }
        }
        let tensor = |values: Vec<f32>, shape: [usize; 3]| {
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        Self {
            bleeders: tensor(bleeders, shape),
            siblings: tensor(siblings, shape),
            barred: tensor(barred, shape),
            has_bleeders: tensor(has_bleeders, [shape[0], largest, 1]),
        }
    }
}

//! Application of the filters to a hop.

use realfft::num_complex::Complex32;

use crate::MAX_MICS;
use crate::controls::Controls;
use crate::debleed::cancel::filters::{
    Filters, Front, MAX_UNKNOWNS, Planes, Slots, bounded, predict,
};
use crate::debleed::cancel::lanes::{Complex, LANES, Real};
use crate::stft::Spectrum;

/// Subtracts the predicted bleed from every mic of a front. With `bleeding`, also stores the bleed
/// itself, scaled by the pair amounts.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
pub(super) fn cancel(
    front: &Front,
    parts: &[(Slots, Filters)],
    taps: &[usize],
    cancelled: &mut Spectrum,
    mut bleeding: Option<(&mut Planes, &Controls)>,
) {
    debug_assert!(parts.len() <= MAX_MICS);
    let mut collected = [Complex::ZERO; MAX_UNKNOWNS];
    for (mic, (slots, filters)) in parts.iter().enumerate() {
        if !front.is_active(mic) {
            cancelled.silence(mic);
            continue;
        }
        let bins = cancelled.mic_mut(mic);
        for (block, &taps) in taps.iter().enumerate() {
            let guides = &mut collected[..slots.0.len() * taps];
            front.collect(slots, taps, block, guides);
            let own = front.mics.get(mic, block);
            let filter = filters.block(block);
            let (bleed, cleaned) = bounded(own, predict(filter, guides));
            let end = bins.len().min((block + 1) * LANES);
            for (lane, bin) in bins[block * LANES..end].iter_mut().enumerate() {
                *bin = Complex32::new(cleaned.re.0[lane], cleaned.im.0[lane]);
            }
            if let Some((planes, controls)) = &mut bleeding {
                let all = slots.0.iter().all(|&bleeder| controls.pair(mic, bleeder) >= 1.0);
                let bleed = if all {
                    bleed
                } else {
                    for (&bleeder, guides) in slots.0.iter().zip(guides.chunks_exact_mut(taps)) {
                        let amount = Real::splat(controls.pair(mic, bleeder));
                        for guide in guides {
                            *guide = guide.scale(amount);
                        }
                    }
                    bounded(own, predict(filter, guides)).0
                };
                planes.set(mic, block, bleed);
            }
        }
    }
}

//! Properties that every batch method must have.

use realfft::num_complex::Complex32;

use super::scene::{Scene, SceneConfig, all_shares, largest_difference, share, tables};
use super::{BleedShares, ChunkView, CloseMics};

/// A batch method under test.
pub(crate) trait Method: Fn(ChunkView<'_>, &CloseMics) -> BleedShares {}

impl<F: Fn(ChunkView<'_>, &CloseMics) -> BleedShares> Method for F {}

/// Asserts that the shares of every mic, hop and bin are in 0 to 1 and sum to 1 within 1e-5.
pub(crate) fn shares_sum_to_one(method: impl Method) {
    for (seed, close) in (10..).zip(tables()) {
        let scene = Scene::new(&SceneConfig::new(seed, close));
        let shares = method(scene.chunk(), &scene.close);
        for mic in 0..scene.num_mics() {
            let mut sum = vec![0.0; scene.num_hops * scene.num_bins];
            for source in 0..scene.close.num_sources() {
                let share = share(&shares, mic, source);
                assert!(share.iter().all(|share| (0.0..=1.0).contains(share)), "seed {seed}");
                sum.iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
            }
            let ones = vec![1.0; sum.len()];
            let off = largest_difference(&sum, &ones);
            assert!(off < 1e-5, "seed {seed}, mic {mic}: {off}");
        }
    }
}

/// Asserts that mics in another order give the same shares in that order, within `tolerance`.
pub(crate) fn reordering_mics_reorders_the_shares(method: impl Method, tolerance: f32) {
    let order = [3, 0, 4, 1, 2];
    let scene = Scene::new(&SceneConfig::new(20, CloseMics::identity(5)));
    let reordered: Vec<Complex32> =
        order.iter().flat_map(|&mic| scene.mic(mic).iter().copied()).collect();
    let shares = method(scene.chunk(), &scene.close);
    let chunk = ChunkView::new(&reordered, [5, scene.num_hops, scene.num_bins]).unwrap();
    let other = method(chunk, &scene.close);
    for (new_mic, &mic) in order.iter().enumerate() {
        for (new_source, &source) in order.iter().enumerate() {
            let off = largest_difference(
                &share(&other, new_mic, new_source),
                &share(&shares, mic, source),
            );
            assert!(off <= tolerance, "mic {mic}, source {source}: {off}");
        }
    }
}

/// Asserts that the gain of one mic changes no share: not at all for a power of two, otherwise
/// within `tolerance`.
pub(crate) fn a_mics_gain_changes_no_share(method: impl Method, tolerance: f32) {
    let mut scene = Scene::new(&SceneConfig::new(30, CloseMics::identity(3)));
    let before = all_shares(&method(scene.chunk(), &scene.close));
    for (gain, tolerance) in [(64.0, 0.0), (0.3, tolerance)] {
        scene.mic_mut(1).iter_mut().for_each(|value| *value *= gain);
        let after = all_shares(&method(scene.chunk(), &scene.close));
        let off = largest_difference(&before, &after);
        assert!(off <= tolerance, "gain {gain}: {off}");
    }
}

/// Asserts that a silent or not finite mic, alone or in a group, changes no bit of the
/// others' shares.
pub(crate) fn a_silent_mic_changes_no_other_mic(method: impl Method) {
    // Mics 0, 1 and 3 on three sources; mic 2 joins as another source or as a second mic of one.
    let without = CloseMics::identity(3);
    let alone = [
        [true, false, false, false],
        [false, true, false, false],
        [false, false, true, false],
        [false, false, false, true],
    ];
    let alone = CloseMics::new(4, 4, alone.concat()).unwrap();
    let grouped =
        [[true, false, false], [false, true, false], [false, true, false], [false, false, true]];
    let grouped = CloseMics::new(4, 3, grouped.concat()).unwrap();

    let scene = Scene::new(&SceneConfig::new(40, without.clone()));
    let expected = method(scene.chunk(), &without);
    for (close, source_of) in [(alone, [0, 1, 3]), (grouped, [0, 1, 2])] {
        for filling in [Complex32::default(), Complex32::new(f32::NAN, f32::INFINITY)] {
            let mut mix = [scene.mic(0), scene.mic(1)].concat();
            mix.resize(mix.len() + scene.num_hops * scene.num_bins, filling);
            mix.extend(scene.mic(2));
            let chunk = ChunkView::new(&mix, [4, scene.num_hops, scene.num_bins]).unwrap();
            let shares = method(chunk, &close);
            for (old_mic, mic) in [0, 1, 3].into_iter().enumerate() {
                for (old_source, source) in source_of.into_iter().enumerate() {
                    let off = largest_difference(
                        &share(&shares, mic, source),
                        &share(&expected, old_mic, old_source),
                    );
                    assert!(off == 0.0, "mic {mic}, source {source}, {filling}: {off}");
                }
            }
            assert!(all_shares(&shares).iter().all(|share| share.is_finite()));
        }
    }
}

/// Asserts that silence is not removed and gives no NaN: everywhere, in one bin, for a while, and
/// with no hops or bins at all.
pub(crate) fn silence_is_left_alone(method: impl Method) {
    let mut scene = Scene::new(&SceneConfig::new(50, CloseMics::identity(3)));
    let num_bins = scene.num_bins;
    for mic in 0..3 {
        for (at, value) in scene.mic_mut(mic).iter_mut().enumerate() {
            let is_pause = (20 + 5 * mic..40).contains(&(at / num_bins));
            if at % num_bins == 7 || is_pause {
                *value = Complex32::default();
            }
        }
    }
    let shares = method(scene.chunk(), &scene.close);
    assert!(all_shares(&shares).iter().all(|share| (0.0..=1.0).contains(share)));
    let mut mask = vec![f32::NAN; num_bins];
    for (mic, hop, bins) in [(0, 3, 7..8), (1, 35, 0..num_bins)] {
        shares.bleed_mask_into(mic, hop, &[1.0; 3], &mut mask);
        assert!(mask[bins].iter().all(|&mask| mask == 0.0), "mic {mic}, hop {hop}");
    }

    let silent = vec![Complex32::default(); 3 * 20 * num_bins];
    let shares = method(ChunkView::new(&silent, [3, 20, num_bins]).unwrap(), &scene.close);
    shares.bleed_mask_into(2, 19, &[1.0; 3], &mut mask);
    assert!(mask.iter().all(|&mask| mask == 0.0));
    for shape in [[3, 0, num_bins], [3, 20, 0]] {
        let shares = method(ChunkView::new(&[], shape).unwrap(), &scene.close);
        assert_eq!([3, shares.num_hops(), shares.num_bins()], shape);
    }
}

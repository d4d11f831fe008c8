//! Tests: streaming equals the functions on chunks, controls are honoured, memory is bounded.

use super::*;
use crate::GroupId;
use crate::SampleRate;
use crate::debleed::batch::scene::{Scene, SceneConfig};
use crate::debleed::kamir::{Kamir, KamirChunks, KamirConfig, kamir};
use crate::debleed::mira::{
    CrosstalkLearner, FastMira, FastMiraChunks, FastMiraConfig, Mira, MiraChunks, MiraConfig,
    fast_mira, mira,
};

const SIZES: ChunkSizes = ChunkSizes { chunk_hops: 40, overlap_hops: 8 };
const NUM_BINS: usize = 33;

/// Largest allowed change of the removed signal by the order of mics, relative to the loudest bin;
/// measured on x86-64: 1.1e-7.
const ROUNDING_TOLERANCE: f32 = 1e-6;

fn geometry() -> Geometry {
    Geometry::new(64, 16, 64).unwrap()
}

fn fast_config() -> FastMiraConfig {
    FastMiraConfig { num_columns: 24, ..FastMiraConfig::default() }
}

fn kamir_method(num_mics: usize) -> Kamir {
    let method = KamirChunks { config: KamirConfig::default() };
    Chunked::with_sizes(method, geometry(), SIZES, num_mics)
}

fn methods(num_mics: usize) -> [Box<dyn Debleed>; 3] {
    let mira = MiraChunks { config: MiraConfig::default() };
    let fast = FastMiraChunks::new(fast_config());
    [
        Box::new(kamir_method(num_mics)),
        Box::new(Chunked::with_sizes(mira, geometry(), SIZES, num_mics)),
        Box::new(Chunked::with_sizes(fast, geometry(), SIZES, num_mics)),
    ]
}

fn scene(num_mics: usize, num_hops: usize) -> Scene {
    let config = SceneConfig::new(11, CloseMics::identity(num_mics));
    Scene::new(&SceneConfig { num_hops, num_bins: NUM_BINS, ..config })
}

/// Returns one hop of a scene; silence after its end.
fn spectrum(scene: &Scene, hop: usize) -> Spectrum {
    let mut spectrum = Spectrum::new(scene.num_mics(), NUM_BINS);
    if hop < scene.num_hops {
        for mic in 0..scene.num_mics() {
            spectrum.mic_mut(mic).copy_from_slice(scene.chunk().row(mic, hop));
        }
    }
    spectrum
}

/// Streams a scene and flushes it; returns the removed spectra, one per hop.
fn stream(
    method: &mut dyn Debleed,
    scene: &Scene,
    controls: impl Fn(usize) -> Controls,
) -> Vec<Spectrum> {
    let lookahead = method.lookahead_hops();
    let mut all = Vec::new();
    for newest in 0..scene.num_hops + lookahead {
        let mut removed = Spectrum::new(scene.num_mics(), NUM_BINS);
        let current = newest.checked_sub(lookahead);
        let silence = Spectrum::new(scene.num_mics(), NUM_BINS);
        let hop = Hop {
            newest: &spectrum(scene, newest),
            newest_controls: &controls(newest),
            current: &current.map_or(silence, |hop| spectrum(scene, hop)),
            current_controls: &controls(current.unwrap_or(0)),
        };
        method.process_hop(&hop, &mut removed);
        match current {
            Some(_) => all.push(removed),
            None => assert!((0..scene.num_mics()).all(|mic| !removed.is_active(mic))),
        }
    }
    all
}

/// Returns the bleed that `shares` removes from one mic; `hops` index the scene and the shares.
fn removed_by(shares: &BleedShares, scene: &Scene, mic: usize, hops: [usize; 2]) -> Vec<Complex32> {
    let mut mask = vec![0.0; NUM_BINS];
    let amounts = vec![1.0; shares.close().num_sources()];
    shares.bleed_mask_into(mic, hops[1], &amounts, &mut mask);
    let bins = scene.chunk().row(mic, hops[0]).iter();
    bins.zip(mask).map(|(bin, mask)| bin * mask).collect()
}

/// Copies some hops of a scene into a chunk; returns its values and shape.
fn cut(scene: &Scene, hops: std::ops::Range<usize>) -> (Vec<Complex32>, [usize; 3]) {
    let shape = [scene.num_mics(), hops.len(), NUM_BINS];
    let mics = (0..scene.num_mics()).flat_map(|mic| hops.clone().map(move |hop| (mic, hop)));
    (mics.flat_map(|(mic, hop)| scene.chunk().row(mic, hop).to_vec()).collect(), shape)
}

fn largest_difference(a: &[Complex32], b: &[Complex32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).norm()).fold(0.0, f32::max)
}

#[test]
fn a_session_of_one_chunk_equals_the_function_on_it() {
    for num_hops in [SIZES.chunk_hops, 25] {
        let scene = scene(3, num_hops);
        let close = &scene.close;
        let expected = [
            kamir(scene.chunk(), close, &KamirConfig::default()).unwrap(),
            mira(scene.chunk(), close, &MiraConfig::default()).unwrap(),
            fast_mira(scene.chunk(), close, &fast_config()).unwrap(),
        ];
        for (mut method, shares) in methods(3).into_iter().zip(expected) {
            let removed = stream(method.as_mut(), &scene, |_| Controls::default());
            assert_eq!(removed.len(), num_hops);
            for (hop, removed) in removed.iter().enumerate() {
                for mic in 0..3 {
                    let expected = removed_by(&shares, &scene, mic, [hop, hop]);
                    assert_eq!(removed.mic(mic), expected, "{method:?} hop {hop}, mic {mic}");
                }
            }
        }
    }
}

#[test]
fn chunks_fade_into_one_another() {
    let scene = scene(2, 100);
    let removed = stream(&mut kamir_method(2), &scene, |_| Controls::default());
    // 0..40, 32..72, 64..100 (cut where the flushed silence begins).
    let chunks: Vec<_> = [0..40, 32..72, 64..100]
        .map(|hops| {
            let (spectra, shape) = cut(&scene, hops.clone());
            let chunk = ChunkView::new(&spectra, shape).unwrap();
            (hops, kamir(chunk, &scene.close, &KamirConfig::default()).unwrap())
        })
        .into();
    let (mut fading_hops, mut worst) = (0, 0.0_f32);
    for (hop, removed) in removed.iter().enumerate() {
        for mic in 0..2 {
            let here: Vec<_> = chunks.iter().filter(|(hops, _)| hops.contains(&hop)).collect();
            let each: Vec<_> = here
                .iter()
                .map(|(hops, shares)| removed_by(shares, &scene, mic, [hop, hop - hops.start]))
                .collect();
            let expected: Vec<Complex32> = match &each[..] {
                [only] => only.clone(),
                [from, to] => {
                    let fade = (hop - here[1].0.start + 1) as f32 / 9.0;
                    fading_hops += 1;
                    from.iter().zip(to).map(|(a, b)| a * (1.0 - fade) + b * fade).collect()
                }
                _ => unreachable!("a hop lies in one or two chunks"),
            };
            let off = largest_difference(removed.mic(mic), &expected);
            worst = worst.max(off);
        }
    }
    assert_eq!(fading_hops, 2 * 2 * 8);
    println!("worst {worst:e}");
    assert!(worst < 1e-6, "{worst:e}"); // measured 1.2e-7 on x86-64
}

#[test]
fn fast_mira_learns_from_the_whole_session() {
    let scene = scene(3, 90);
    let mut method = Chunked::with_sizes(FastMiraChunks::new(fast_config()), geometry(), SIZES, 3);
    assert_eq!(method.learning_passes(), 1);
    let mut learner = CrosstalkLearner::new(&scene.close, NUM_BINS, &fast_config());
    for hops in [0..40, 40..80, 80..90] {
        let (spectra, shape) = cut(&scene, hops.clone());
        learner.add(ChunkView::new(&spectra, shape).unwrap()).unwrap();
        for hop in hops {
            method.learn_hop(&spectrum(&scene, hop), &Controls::default());
        }
    }
    method.end_learning_pass();
    let crosstalk = learner.learn();
    let (spectra, shape) = cut(&scene, 0..40);
    let shares = crosstalk.shares(ChunkView::new(&spectra, shape).unwrap()).unwrap();
    for _ in 0..2 {
        let removed = stream(&mut method, &scene, |_| Controls::default());
        for (hop, removed) in removed[..32].iter().enumerate() {
            for mic in 0..3 {
                let expected = removed_by(&shares, &scene, mic, [hop, hop]);
                assert_eq!(removed.mic(mic), expected, "hop {hop}, mic {mic}");
            }
        }
        // The learnt crosstalk outlives a reset.
        method.reset();
    }
}

#[test]
fn reordering_mics_reorders_what_is_removed() {
    let scene = scene(4, 60);
    let order = [2, 0, 3, 1];
    let mut reordered = Scene::new(&SceneConfig {
        num_hops: 60,
        num_bins: NUM_BINS,
        ..SceneConfig::new(11, CloseMics::identity(4))
    });
    for (to, from) in order.into_iter().enumerate() {
        reordered.mic_mut(to).copy_from_slice(scene.mic(from));
    }
    let loudest = scene.mix.iter().map(|bin| bin.norm()).fold(0.0, f32::max);
    for (mut one, mut other) in methods(4).into_iter().zip(methods(4)) {
        let expected = stream(one.as_mut(), &scene, |_| Controls::default());
        let removed = stream(other.as_mut(), &reordered, |_| Controls::default());
        let mut worst = 0.0_f32;
        for (removed, expected) in removed.iter().zip(&expected) {
            for (to, from) in order.into_iter().enumerate() {
                worst = worst.max(largest_difference(removed.mic(to), expected.mic(from)));
            }
        }
        println!("{}", worst / loudest);
        assert!(worst / loudest < ROUNDING_TOLERANCE, "{}", worst / loudest);
    }
}

#[test]
fn roles_groups_and_pairs_are_honoured() {
    let scene = scene(4, 30);
    let full = stream(&mut kamir_method(4), &scene, |_| Controls::default());
    let mut controls = Controls::default();
    controls.mics[0].role = Role::Room;
    controls.mics[1].role = Role::CleanedRoom;
    let rooms = stream(&mut kamir_method(4), &scene, |_| controls.clone());
    assert!(rooms.iter().all(|removed| !removed.is_active(0)), "a room mic loses nothing");
    assert!(rooms.iter().any(|removed| removed.mic(1).iter().any(|bin| bin.norm() > 1e-3)));
    // The only close mic that can bleed into mic 2 is mic 3: with that pair off nothing is removed.
    controls.pair_amount[2][3] = 0.0;
    let off = stream(&mut kamir_method(4), &scene, |_| controls.clone());
    assert!(off.iter().all(|removed| removed.mic(2).iter().all(|&bin| bin == Complex32::ZERO)));
    assert_eq!(off[9].mic(1), rooms[9].mic(1));
    // All in one group: no bleed anywhere.
    let mut grouped = Controls::default();
    for mic in &mut grouped.mics {
        mic.group = Some(GroupId(1));
    }
    let none = stream(&mut kamir_method(4), &scene, |_| grouped.clone());
    let removed = |hop: &Spectrum| (0..4).any(|mic| hop.mic(mic).iter().any(|b| b.norm() > 0.0));
    assert!(!none.iter().any(removed) && full.iter().any(removed));
    // Pair amounts apply from the hop that they arrived with.
    let pair_amount = [[0.5; crate::MAX_MICS]; crate::MAX_MICS];
    let half = Controls { pair_amount, ..Controls::default() };
    let moved = stream(&mut kamir_method(4), &scene, |hop| {
        if hop < 20 { Controls::default() } else { half.clone() }
    });
    assert_eq!(moved[..20], full[..20]);
    for (moved, full) in moved[20..].iter().zip(&full[20..]) {
        let halves: Vec<_> = full.mic(3).iter().map(|bin| bin * 0.5).collect();
        assert!(largest_difference(moved.mic(3), &halves) < 1e-6);
    }
}

#[test]
fn memory_does_not_grow_with_the_session() {
    let scene = scene(2, 40 * 12);
    let mut method = kamir_method(2);
    let size = method.spectra.capacity();
    for newest in 0..scene.num_hops {
        let hop = Hop {
            newest: &spectrum(&scene, newest),
            newest_controls: &Controls::default(),
            current: &spectrum(&scene, newest.saturating_sub(39)),
            current_controls: &Controls::default(),
        };
        method.process_hop(&hop, &mut Spectrum::new(2, NUM_BINS));
        assert_eq!(method.spectra.capacity(), size);
        let fading = method.before.is_some();
        assert!(!fading || method.heard_hops < 8, "the chunk before goes with the fade");
        for chunk in method.latest.iter().chain(&method.before) {
            assert!(chunk.shares.num_hops() <= 40);
        }
    }
    assert!(method.latest.is_some());
}

#[test]
fn a_pause_of_silence_removes_nothing_and_ends() {
    let mut scene = scene(2, 200);
    for mic in 0..2 {
        scene.mic_mut(mic)[30 * NUM_BINS..130 * NUM_BINS].fill(Complex32::ZERO);
    }
    let mut method = kamir_method(2);
    // Silence must be inactive, as the transform outputs it.
    let lookahead = method.lookahead_hops();
    let heard = |hop: usize| if (30..130).contains(&hop) { 200 } else { hop };
    let mut removed_hops = Vec::new();
    for newest in 0..200 + lookahead {
        let current = newest.checked_sub(lookahead).map_or(200, heard);
        let hop = Hop {
            newest: &spectrum(&scene, heard(newest)),
            newest_controls: &Controls::default(),
            current: &spectrum(&scene, current),
            current_controls: &Controls::default(),
        };
        let mut removed = Spectrum::new(2, NUM_BINS);
        method.process_hop(&hop, &mut removed);
        if newest >= lookahead && removed.is_active(0) {
            removed_hops.push(newest - lookahead);
        }
    }
    assert_eq!(removed_hops, (0..30).chain(130..200).collect::<Vec<_>>());
}

#[test]
fn every_rate_has_a_transform_and_chunks_of_about_15_seconds() {
    for rate_hz in [8_000.0, 16_000.0, 22_050.0, 32_000.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0]
    {
        let rate = SampleRate::new(rate_hz).unwrap();
        let lookahead_s = |method: &dyn Debleed| {
            (method.lookahead_hops() + 1) as f32 * method.geometry().hop_samples() as f32 / rate_hz
        };
        let all = [lookahead_s(&Kamir::new(rate, 1)), lookahead_s(&Mira::new(rate, 1))];
        for lookahead_s in all.into_iter().chain([lookahead_s(&FastMira::new(rate, 1))]) {
            assert!((14.9..=15.0).contains(&lookahead_s), "{rate_hz} Hz: {lookahead_s} s");
        }
    }
    let geometry = Kamir::new(SampleRate::new(44_100.0).unwrap(), 1).geometry();
    assert_eq!(geometry, Geometry::new(4096, 1024, 4096).unwrap());
}

//! Tests of scenes of small recipes: reproducible, plausible and with correct targets.

use super::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A recipe in which all events are frequent; short and at a low rate.
const EVENTFUL: &str = "
    duration_s = 1.5
    rate_hz = 16000
    [stage]
    second_mic = 0.4
    room_mic_chance = 0.5
    unmiked = 0.2
    silent = 0.2
    clean = 0.2
    [console.noise]
    chance = 0.5
    below_db = [50, 60]
    [console.compression]
    chance = 0.4
    [[scene]]
    ensembles = ['rock-band', 'string-group', 'drum-kit', 'choir']
    mics = [2, 7]
";

static LIBRARY: LazyLock<Library> = LazyLock::new(|| recipe().library().unwrap());

fn recipe() -> Recipe {
    Recipe::parse("eventful.toml", EVENTFUL).unwrap()
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x).powi(2)).sum()
}

#[test]
fn a_scene_depends_on_its_number_alone_and_not_on_threads() {
    let recipe = recipe();
    let alone: Vec<Scene> = (1..4).map(|index| scene(&recipe, &LIBRARY, index).unwrap()).collect();
    let together: Vec<Scene> = std::thread::scope(|scope| {
        let make = |index| scene(&recipe, &LIBRARY, index).unwrap();
        let threads: Vec<_> = [3, 2, 1].map(|index| scope.spawn(move || make(index))).into();
        threads.into_iter().rev().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
    assert_ne!(alone[0].mics[0], alone[1].mics[0]);
    let other = Recipe { seed: 2, ..recipe };
    assert_ne!(scene(&other, &LIBRARY, 1).unwrap().mics, alone[0].mics);
}

#[test]
fn scenes_are_well_formed_and_have_the_truth_they_claim() {
    let recipe = recipe();
    let (mut num_room, mut num_silent, mut num_clean, mut num_groups) = (0, 0, 0, 0);
    for index in 1..=24 {
        let scene = scene(&recipe, &LIBRARY, index).unwrap();
        let info = &scene.info;
        let count = scene.mics.len();
        assert!((2..=7).contains(&count), "scene {index}");
        assert_eq!((scene.targets.len(), info.names.len()), (count, count));
        assert_eq!(info.names.iter().collect::<BTreeSet<_>>().len(), count, "{:?}", info.names);
        assert_eq!(info.drawn["mics"].as_array().unwrap().len(), count);
        for signal in scene.mics.iter().chain(&scene.targets) {
            assert_eq!(signal.len(), 24_000);
            // The default peak level is at most -2 dB of full scale.
            assert!(signal.iter().all(|sample| sample.abs() < 0.8), "scene {index}");
        }
        for (number, (mic, target)) in (1..).zip(scene.mics.iter().zip(&scene.targets)) {
            let chain = &info.drawn["mics"][number - 1];
            let source = chain["source"].as_u64().map(|source| source as usize - 1);
            let source = source.map(|source| &info.drawn["sources"][source]);
            let miking = source.map_or("", |source| source["miking"].as_str().unwrap());
            let is_clean = matches!(miking, "direct" | "booth");
            let is_room = info.room_mics.contains(&number);
            assert_eq!(is_room, source.is_none());
            if is_room || is_clean {
                assert_eq!(mic, target, "scene {index} mic {number}");
                assert_eq!(info.input_sdr_db[number - 1], None);
            }
            if info.silent_mics.contains(&number) {
                // Only the noise, at least 50 dB below the expected peak.
                let noise = if chain["chain"].get("noise_below_db").is_some() { 1e-4 } else { 0.0 };
                let level = power(target) / target.len() as f64;
                assert!(level <= noise, "scene {index} mic {number}: {level}");
                assert_eq!(info.input_sdr_db[number - 1], None);
            }
            num_room += usize::from(is_room);
            num_clean += usize::from(is_clean);
        }
        for group in &info.groups {
            assert!(group.len() > 1 && group.iter().all(|mic| (1..=count).contains(mic)));
        }
        num_silent += info.silent_mics.len();
        num_groups += info.groups.len();
    }
    let found = [num_room, num_silent, num_clean, num_groups];
    assert!(found.iter().all(|&count| count > 1), "everything comes up: {found:?}");
}

#[test]
fn in_a_tutti_only_those_rest_whose_instruments_die_away() {
    let recipe = |stage: &str| {
        let text = format!(
            "rate_hz = 44100\nduration_s = 6\n[stage]\n{stage}\nrare = 0\nsilent = 0\nunmiked = 0\n\
             second_mic = 0\nroom_mic_chance = 0\nclean = 0\nlevel_spread_db = 0\n\
             [console.noise]\nchance = 0\nbelow_db = [60, 95]\n\
             [[scene]]\nensembles = ['string-group', 'wind-group']\nmics = 4\n"
        );
        Recipe::parse("t.toml", &text).unwrap()
    };
    // Leaves out the first second and the last one, in which all parts end.
    let quietest = |target: &[f32]| -> f64 {
        let seconds = target[44_100..5 * 44_100].chunks(22_050).map(power);
        seconds.fold(f64::INFINITY, f64::min) / power(&target[44_100..5 * 44_100])
    };
    let rests = |stage: &str| -> usize {
        let recipe = recipe(stage);
        let scenes = (1..5).map(|index| scene(&recipe, &LIBRARY, index).unwrap());
        scenes.flat_map(|scene| scene.targets).filter(|target| quietest(target) < 1e-4).count()
    };
    let (usual, tutti) = (rests(""), rests("tutti = 1\ntogether = 1"));
    println!("parts that rest for half a second: {usual} and {tutti}");
    // Measured: 13 and 5 of 16. Plucked and struck sounds decay however long they are held.
    assert!(2 * tutti < usual, "{usual} {tutti}");
}

#[test]
fn seeds_of_scenes_and_splits_have_nothing_in_common() {
    let mut seeds = BTreeSet::new();
    for split in Split::ALL {
        for recipe_seed in 0..3 {
            for index in 0..1_000 {
                let seed = scene_seed(recipe_seed, split, index);
                assert!(seeds.insert(seed), "{split} {recipe_seed} {index}");
                // The streams of a scene differ too.
                let starts: BTreeSet<u64> =
                    [Stream::Kind, Stream::Music, Stream::Cast, Stream::Layout, Stream::Levels]
                        .into_iter()
                        .chain([Stream::Tails, Stream::Console])
                        .map(|stream| stream.of(seed).bits())
                        .collect();
                assert_eq!(starts.len(), 7);
            }
        }
    }
}

#[test]
fn a_kit_without_its_folder_is_refused_with_the_scene() {
    let kits = Recipe::parse("k.toml", "[[scene]]\nkind = 'kit'\n").unwrap();
    let line = format!("{:#}", scene(&kits, &LIBRARY, 5).unwrap_err());
    assert!(
        line.starts_with("k scene 5 of split train: the material contains no real kit"),
        "{line}"
    );
}

//! Tests of the experiments on small networks and random recordings.

use super::super::band_sums::NUM_SUMS;
use super::super::store::Stored;
use super::super::testing::{random_example, with_pairs};
use super::arms::{LOSSES, MIC_ORDER};
use super::scenes::{BAND_OF_FOUR, RECIPES};
use super::*;
use crate::scenes::recipe::Recipe;
use engine::debleed::cancel::NUM_BANDS;
use std::path::Path;
use std::sync::Mutex;

fn config(out: &Path) -> TrainConfig {
    let text = "steps = 3\nhops = 6\nclips = 2\n[[recipe]]\nrecipe = 'ensembles'\n\
                [network]\nwidth = 24\nlocal_width = 0\n[loss]\n\
                segment_hops = 3\nmulti_domain = 1\n";
    TrainConfig { out: out.to_owned(), ..TrainConfig::parse("test.toml", text).unwrap() }
}

fn scenes(folder: &Path, num_mics: usize) -> Vec<Stored> {
    (0..3)
        .map(|number| {
            let path = folder.join(format!("{num_mics}-{number}.example"));
            Stored::write(&with_pairs(random_example(num_mics, 9, number)), &path).unwrap()
        })
        .collect()
}

#[test]
fn only_the_equivariant_network_does_the_same_in_any_order_and_takes_any_number() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let at = |num_mics| scenes(folder.path(), num_mics);
    let set = |name: &str, num_mics, is_shuffled| TestSet {
        name: name.to_owned(),
        scenes: at(num_mics),
        is_shuffled,
    };
    let sets = [
        set("in order", 4, false),
        set("shuffled", 4, true),
        set("fewer", 3, false),
        set("more", 5, false),
    ];
    let learned = at(4);
    let validation = set("validation", 4, false);
    let of = |arm, config| One {
        config,
        scenes: &learned,
        validation: &validation,
        num_places: 4,
        arm,
        seed: 1,
    };
    let quiet = Tell { form: Form::Text, line: &|_: &str| {} };
    let results: Vec<Trained> = MIC_ORDER
        .iter()
        .chain(&LOSSES)
        .map(|&arm| {
            let one = of(arm, &config);
            let found = one.run(&sets, quiet).unwrap();
            assert_eq!(one.run(&sets, quiet).unwrap(), found, "read, not trained again");
            found
        })
        .collect();
    // A result of an older version with other losses is refused.
    let mut other = config.clone();
    other.loss.harm = 1.0;
    let line = of(LOSSES[0], &other).run(&sets, quiet).unwrap_err().to_string();
    assert!(line.contains("snr-1.json was made with other losses"), "{line}");
    for result in &results {
        let gains = |set: usize| result.tests[set].gains_db.clone();
        let is_set = !["fixed-order", "permuted-clips"].contains(&result.arm.as_str());
        let apart = gains(0)
            .unwrap()
            .iter()
            .zip(gains(1).unwrap())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        // Measured: 2e-6 dB for equivariant networks, 0.1 dB and more for the others.
        assert_eq!(apart < 1e-5, is_set, "{:?}: {apart} dB", result.arm);
        assert!(gains(2).unwrap().iter().all(|gain| gain.is_finite()));
        assert_eq!(gains(3).is_some(), is_set, "{:?}", result.arm);
        let share = result.num_weights as f64 / results[2].num_weights as f64;
        assert!((0.95..1.05).contains(&share), "{:?}: {share}", result.arm);
    }
    let gains = |result: &Trained| result.tests[0].gains_db.clone();
    assert_ne!(gains(&results[0]), gains(&results[1]), "their clips differ");
    assert_eq!(gains(&results[2]), gains(&results[4]), "the same network");
    assert_ne!(gains(&results[3]), gains(&results[4]), "their losses differ");
    assert_ne!(gains(&results[5]), gains(&results[4]), "their losses differ");
    assert_ne!(gains(&results[6]), gains(&results[3]), "their losses differ");
    assert_ne!(gains(&results[7]), gains(&results[5]), "their losses differ");
    let text = table::markdown((&config, &MIC_ORDER), &results);
    assert_eq!(text.matches("cannot").count(), 2, "{text}");
    assert_eq!(text.lines().nth(4).unwrap().matches('|').count(), 7, "{text}");
}

#[test]
fn the_weights_that_do_best_on_the_validation_are_tested() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.steps = 6;
    config.validation.every_steps = 1;
    config.optimiser.warm_up_steps = 1;
    // Training on silence makes the network mute mics, which spoils clean ones more and more.
    let scenes = |name: &str, truth: f32| -> Vec<Stored> {
        let mut example = random_example(3, 9, 1);
        for sums in example.sums.chunks_exact_mut(NUM_SUMS * NUM_BANDS) {
            let (after, others) = sums.split_at_mut(NUM_BANDS);
            let shares = others.chunks_exact_mut(NUM_BANDS).zip([truth, truth, 1.0, 1.0 - truth]);
            for (sums, share) in shares {
                sums.iter_mut().zip(after.iter()).for_each(|(sum, after)| *sum = share * after);
            }
        }
        let path = folder.path().join(name);
        vec![Stored::write(&example, &path).unwrap()]
    };
    let learned = scenes("silent.example", 0.0);
    let sets = [TestSet {
        name: "validation".to_owned(),
        scenes: scenes("clean.example", 1.0),
        is_shuffled: false,
    }];
    let [validation] = &sets;
    let one = One {
        config: &config,
        scenes: &learned,
        validation,
        num_places: 3,
        arm: LOSSES[0],
        seed: 1,
    };
    let lines = Mutex::new(Vec::new());
    let say = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let found = one.run(&sets, Tell { form: Form::Text, line: &say }).unwrap();
    let seen: Vec<String> = lines.into_inner().unwrap();
    let seen: Vec<f64> = seen
        .iter()
        .filter_map(|line| line.split_once("validation ")?.1.strip_suffix(" dB")?.parse().ok())
        .collect();
    assert_eq!(seen.len(), 6, "{seen:?}");
    let best = seen.iter().copied().fold(f64::MIN, f64::max);
    assert!(best > seen[5] + 0.1, "{seen:?}");
    assert_eq!(seen[found.best_step - 1], best, "{seen:?}");
    let gains_db = found.tests[0].gains_db.clone().unwrap();
    let mean = gains_db.iter().sum::<f64>() / gains_db.len() as f64;
    // Lines have two decimals.
    assert!((mean - best).abs() < 0.0051, "{mean}, {best}");
}

#[test]
fn its_own_configuration_and_recipes_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let config = own_config(folder.path()).unwrap();
    let (ready, _) = config.recipes().unwrap();
    assert_eq!(ready[0].recipe.name, BAND_OF_FOUR);
    for (name, text) in RECIPES {
        Recipe::parse(name, text).unwrap();
    }
}

//! Evaluations from folders and from memory.

use super::*;
use crate::scenes::SceneInfo;
use std::path::Path;

/// Returns a scene of tones that pause; every mic contains a little of all tones.
fn scene(num_mics: usize, num_samples: usize) -> Scene {
    let own = |mic: usize| -> Vec<f32> {
        (0..num_samples)
            .map(|n| {
                let plays = (n + 700 * mic) % 4_000 < 2_000;
                if plays { 0.5 * (n as f32 * 0.07 * (mic + 1) as f32).sin() } else { 0.0 }
            })
            .collect()
    };
    let targets: Vec<Vec<f32>> = (0..num_mics).map(own).collect();
    let heard = |mic: usize, n: usize| -> f32 {
        let all: f32 = targets.iter().map(|target| target[n]).sum();
        0.9 * targets[mic][n] + 0.1 * all
    };
    let mics = (0..num_mics).map(|mic| (0..num_samples).map(|n| heard(mic, n)).collect());
    let names = (1..=num_mics).map(|mic| format!("tone {mic}")).collect();
    let mut info = SceneInfo { names, ..SceneInfo::default() };
    info.drawn.insert("rt60_s".to_owned(), (0.1 * num_mics as f64).into());
    Scene { info, rate_hz: 16_000, mics: mics.collect(), targets }
}

fn options(scenes: &Path, methods: &[&str]) -> EvaluateOptions {
    EvaluateOptions {
        scenes: scenes.to_owned(),
        method: methods.iter().map(|name| name.parse().unwrap()).collect(),
        model: None,
        mode: Mode::Live,
        skip_s: 0.0,
        bss: false,
        linear: false,
        json: None,
        plots: None,
        overwrite: false,
    }
}

#[test]
fn scenes_are_scored_one_by_one_and_together() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["m10", "m2", "m1"] {
        scene(2, 8_000).write(&folder.path().join(name)).unwrap();
    }
    let mut told = Vec::new();
    let options = EvaluateOptions { skip_s: 0.1, ..options(folder.path(), &["ratio"]) };
    let found = evaluate(&options, |scene| told.push(scene.scene.clone())).unwrap().methods;
    assert_eq!(told, ["m1", "m2", "m10"]);
    assert_eq!(found[0].summary.num_mics, 6);
    assert!(found[0].summary.sdr_gain_db.mean.is_some());
    // For three equal scenes the interval has no width.
    let interval = found[0].intervals.sdr_gain_db.unwrap();
    assert!((interval.low - found[0].summary.sdr_gain_db.mean.unwrap()).abs() < 1e-9);
    assert!((interval.high - interval.low).abs() < 1e-9);
    // Head, line, three scenes; a gap; head, line, all.
    assert_eq!(table(&found).lines().count(), 2 + 3 + 1 + 2 + 1);
    assert!(!table(&found).contains("SIR"));
}

#[test]
fn skipping_everything_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    scene(2, 8_000).write(&folder.path().join("s1")).unwrap();
    let options = EvaluateOptions { skip_s: 0.5, ..options(folder.path(), &["ratio"]) };
    let line = format!("{:#}", evaluate(&options, |_| ()).unwrap_err());
    assert!(line.contains("scene s1") && line.contains("leaves nothing to score"), "{line}");
}

#[test]
fn everything_asked_for_is_there_in_numbers_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    for (name, num_mics) in [("s1", 2), ("s2", 3), ("s3", 3)] {
        scene(num_mics, 16_000).write(&folder.path().join(name)).unwrap();
    }
    let plots = folder.path().join("plots");
    let options = EvaluateOptions {
        bss: true,
        plots: Some(plots.clone()),
        ..options(folder.path(), &["ratio", "ideal-mask", "optimisation"])
    };
    let found = evaluate(&options, |_| ()).unwrap().methods;
    let text = table(&found);
    assert!(text.contains("SIR") && text.contains("ideal-mask"), "{text}");
    let mean = |index: usize| found[index].summary.sdr_gain_db.mean.unwrap();
    assert!(mean(1) > mean(0), "the bound lies above\n{text}");
    let json = serde_json::to_value(&found).unwrap();
    let mic = &json[0]["scenes"][1]["mics"][2];
    assert_eq!((&mic["mic"], &mic["name"]), (&3.into(), &"tone 3".into()));
    assert!(mic["bss"]["sir_db"].is_number() && mic["input_bss"]["sar_db"].is_number());
    assert_eq!(json[0]["scenes"][1]["rt60_s"].as_f64().map(|s| (10.0 * s).round()), Some(3.0));
    assert!(json[2]["intervals"]["bss_sir_db"]["low"].is_number());
    let pictures = ["gain-by-input", "gain-by-mics", "gain-by-rt60", "ratio-worst", "ratio-best"];
    for name in pictures.into_iter().chain(["ideal-mask-best", "optimisation-worst"]) {
        assert!(plots.join(format!("{name}.png")).is_file(), "{name}");
    }
}

#[test]
fn room_mics_are_heard_but_not_scored() {
    let mut with_room = scene(3, 16_000);
    with_room.info.room_mics = vec![2];
    let score =
        ScoreOptions { model: None, mode: Mode::Live, skip_s: 0.0, bss: true, keeps_sounds: true };
    let candidates = ["ratio".parse().unwrap()];
    let run = |scene: Scene| {
        evaluate_scenes([Ok(("s".to_owned(), scene))], &candidates, &score, |_| ()).unwrap()
    };
    let found = run(with_room);
    let result = &found.methods[0].scenes[0];
    assert_eq!(result.mics.iter().map(|mic| mic.mic).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((result.num_mics, result.summary.num_mics), (3, 2));
    let extremes = found.extremes[0].as_ref().unwrap();
    assert!(extremes.worst.mic != 2 && extremes.best.mic != 2);
    assert_eq!(extremes.worst.score.sdr_gain_db, result.summary.sdr_gain_db.worst);
    assert!(extremes.best.score.sdr_gain_db > extremes.worst.score.sdr_gain_db);
    assert_eq!(run(scene(3, 16_000)).methods[0].summary.num_mics, 3);
}

#[test]
fn linear_mixes_are_made_of_the_scenes_sources() {
    let folder = tempfile::tempdir().unwrap();
    scene(3, 16_000).write(&folder.path().join("s1")).unwrap();
    let options = EvaluateOptions {
        linear: true,
        ..options(folder.path(), &["optimisation-known-mix", "ideal-mwf"])
    };
    let found = evaluate(&options, |_| ()).unwrap().methods;
    // Three mics, three sources and no room: a filter can invert the mix.
    assert!(found[1].summary.sdr_gain_db.worst.unwrap() > 20.0);
    assert!(found[0].summary.sdr_gain_db.mean.unwrap() > 0.0);
}

#[test]
fn a_model_is_looked_for_only_when_a_method_asks_for_one() {
    let methods = |names: &[&str]| -> Vec<Candidate> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    };
    assert!(model_for(&methods(&["cancel"]), None).unwrap().is_none());
    assert!(model_for(&methods(&["cancel", "network-online"]), None).unwrap().is_some());
    for (names, part) in [(["network"], "no such model or folder"), (["cancel"], "remove --model")]
    {
        let error = model_for(&methods(&names), Some("nobody-7")).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

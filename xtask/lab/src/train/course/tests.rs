//! Tests of whole rounds on small networks and random recordings.

use super::super::band_sums::NUM_SUMS;
use super::super::device::DeviceName;
use super::super::testing::{random_example, with_pairs};
use super::super::weights::blend;
use super::*;

/// Stops after some steps, as Ctrl-C does.
#[derive(Default)]
struct Clock {
    stop_at: Option<usize>,
    step: usize,
    validations_db: Vec<f64>,
}

impl Watch for Clock {
    fn step(&mut self, state: &State) {
        self.step = state.progress.step;
    }

    fn validated(&mut self, _state: &State, entry: &LogEntry) {
        self.validations_db.extend(entry.validation_db);
    }

    fn stop(&self) -> bool {
        self.stop_at == Some(self.step)
    }
}

fn config(changes: &str) -> TrainConfig {
    let text = format!(
        "steps = 20\nhops = 6\nclips = 2\ncheckpoint_steps = 7\n{changes}\n\
         [[recipe]]\nrecipe = 'ensembles'\n[network]\nwidth = 8\n[loss]\nsegment_hops = 3\n\
         [validation]\nevery_steps = 8\npatience = 2\n[optimiser]\nwarm_up_steps = 2\n"
    );
    TrainConfig::parse("test.toml", &text).unwrap()
}

fn stored(folder: &Path, prefix: &str) -> Vec<Stored> {
    (2..5)
        .map(|num_mics| {
            let path = folder.join(format!("{prefix}{num_mics}.example"));
            let example = with_pairs(random_example(num_mics, 14, num_mics as u64));
            Stored::write(&example, &path).unwrap()
        })
        .collect()
}

struct Bench {
    folder: tempfile::TempDir,
    config: TrainConfig,
    examples: Vec<Stored>,
    validation: Vec<(String, Stored)>,
    device: Device,
    others: Vec<Device>,
    pool: ThreadPool,
}

fn pool(num_threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap()
}

impl Bench {
    fn new(changes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let examples = stored(folder.path(), "train");
        let validation = stored(folder.path(), "validation");
        let validation = validation.into_iter().map(|of| ("all".to_owned(), of)).collect();
        Self {
            config: config(changes),
            examples,
            validation,
            device: Device::flex(),
            others: Vec::new(),
            pool: pool(1),
            folder,
        }
    }

    fn course(&self) -> Course<'_> {
        Course {
            config: &self.config,
            examples: &self.examples,
            validation: &self.validation,
            device: &self.device,
            others: &self.others,
            pool: &self.pool,
            out: self.folder.path(),
        }
    }

    fn run(&self, state: &mut State, clock: &mut Clock) -> End {
        self.course().run(state, clock).unwrap()
    }

    fn fresh(&self) -> State {
        State::fresh(&self.config, &self.device).unwrap()
    }

    fn checkpoint(&self) -> std::path::PathBuf {
        self.folder.path().join(CHECKPOINT_FILE)
    }
}

fn weights(state: &State) -> Vec<u8> {
    weights_of(&state.network.valid()).unwrap()
}

#[test]
fn a_single_bad_stratum_sinks_the_score() {
    let strata = |gains_db: &[f64]| -> Vec<(String, f64)> {
        gains_db.iter().map(|&gain_db| (String::new(), gain_db)).collect()
    };
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found}");
    near(score(&strata(&[2.0, 2.0, 2.0])).unwrap(), 2.0);
    near(score(&strata(&[5.0, 5.0, -10.0])).unwrap(), -5.0);
    assert!(score(&[]).is_err());
    assert!(score(&strata(&[1.0, f64::NAN])).is_err());
}

#[test]
fn strata_are_judged_by_what_masks_add() {
    let bench = Bench::new("");
    let names = ["b", "a", "b"].map(str::to_owned).into_iter();
    let validation: Vec<_> =
        names.zip(&bench.validation).map(|(name, (_, of))| (name, of.clone())).collect();
    let course = Course { validation: &validation, ..bench.course() };
    let masked = [Some(4.0), Some(1.0), None];
    let unmasked = [Some(1.0), Some(3.0), Some(9.0)];
    let found = course.strata(&masked, &unmasked).unwrap();
    assert_eq!(found, [("a".to_owned(), -2.0), ("b".to_owned(), 3.0)]);
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_weights() {
    for (average, combination) in [(0.0, 0.0), (0.8, 0.0), (0.0, 2.0)] {
        goes_on_to_the_same_weights(average, combination);
    }
}

fn goes_on_to_the_same_weights(average: f64, combination: f64) {
    let bench = || {
        let mut bench = Bench::new("");
        bench.config.optimiser.average = average;
        bench.config.loss.combination = combination;
        // Fewer than the six and fourteen that exist, so that they are drawn.
        bench.config.loss.most_combinations = 3;
        bench
    };
    let whole = bench();
    let mut straight = whole.fresh();
    let start = weights(&straight);
    assert_eq!(whole.run(&mut straight, &mut Clock::default()), End::Complete);
    assert!(weights(&straight) != start);

    let parts = bench();
    let mut state = parts.fresh();
    assert!(weights(&state) == start);
    let mut clock = Clock { stop_at: Some(10), ..Clock::default() };
    assert_eq!(parts.run(&mut state, &mut clock), End::Stopped);
    drop(state);
    let mut state = State::load(&parts.config, &parts.device, &parts.checkpoint()).unwrap();
    assert_eq!(state.progress.step, 10);
    assert_eq!(parts.run(&mut state, &mut Clock::default()), End::Complete);
    assert!(weights(&state) == weights(&straight), "the weights differ");
    assert_eq!(state.progress, straight.progress);
    // A killed training continues from the last checkpoint that was written.
    let parts = bench();
    let mut state = parts.fresh();
    parts.run(&mut state, &mut Clock { stop_at: Some(7), ..Clock::default() });
    let kept = std::fs::read(parts.checkpoint()).unwrap();
    let mut clock = Clock { stop_at: Some(9), step: 7, ..Clock::default() };
    parts.run(&mut state, &mut clock);
    std::fs::write(parts.checkpoint(), kept).unwrap();
    let mut state = State::load(&parts.config, &parts.device, &parts.checkpoint()).unwrap();
    parts.run(&mut state, &mut Clock::default());
    assert!(weights(&state) == weights(&straight), "the weights differ after a kill");
    let best = |bench: &Bench| std::fs::read(bench.folder.path().join(BEST_FILE)).unwrap();
    assert!(best(&parts) == best(&whole), "the best weights differ");
}

fn is_trained_alike(benches: [Bench; 2]) {
    let [one, other] = benches.map(|bench| {
        let mut state = bench.fresh();
        bench.run(&mut state, &mut Clock::default());
        (weights(&state), state.progress)
    });
    assert!(one.0 == other.0, "the weights differ");
    assert_eq!(one.1, other.1);
}

#[test]
fn any_number_of_threads_trains_the_same_weights() {
    is_trained_alike([1, 3].map(|num_threads| {
        let mut bench = Bench::new("");
        bench.config.clips = 4;
        bench.pool = pool(num_threads);
        bench
    }));
}

#[test]
fn any_number_of_devices_trains_the_same_weights() {
    is_trained_alike([0, 2].map(|others| {
        let mut bench = Bench::new("");
        bench.config.clips = 5;
        bench.pool = pool(2);
        bench.others = vec![Device::flex(); others];
        bench
    }));
}

#[test]
fn clips_are_dealt_out_to_all_devices_and_each_counts_once() {
    let mut bench = Bench::new("");
    bench.others = vec![Device::flex(); 2];
    for (name, sizes) in [(DeviceName::Flex, vec![1; 7]), (DeviceName::Cuda, vec![3, 3, 1])] {
        bench.config.device = name;
        bench.config.clips = 7;
        let course = bench.course();
        let picks = Pick::draw(course.examples, course.config, (0, 0));
        let parts = course.parts(&picks);
        assert_eq!(parts.iter().map(|part| part.clips.len()).collect::<Vec<_>>(), sizes);
        let all: f64 = parts.iter().map(|part| part.share).sum();
        assert!((all - 1.0).abs() < 1e-12, "{all}");
        let is_first = |part: &Part<'_, '_>| std::ptr::eq(part.device, course.device);
        assert!(is_first(&parts[0]) && !is_first(&parts[1]) && !is_first(&parts[2]));
    }
}

/// Largest difference between weights after the steps of one round if another library, which
/// rounds in another order, computed half of the clips. The weights move by up to 0.0215 in
/// that time. Measured: 6.5e-5.
#[cfg(feature = "ndarray")]
const OTHER_ROUNDING: f32 = 4e-4;

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "the tensor library would rather have everybody use flex")]
#[test]
fn two_backends_that_share_the_clips_train_the_same_weights() {
    use burn::module::{ModuleVisitor, Param};
    #[derive(Default)]
    struct Values(Vec<f32>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().as_slice::<f32>().unwrap());
        }
    }
    let [start, alone, shared] = [None, Some(0), Some(1)].map(|others| {
        let mut bench = Bench::new("");
        bench.config.clips = 4;
        bench.pool = pool(2);
        let mut state = bench.fresh();
        if let Some(others) = others {
            bench.others = vec![Device::ndarray(); others];
            bench.run(&mut state, &mut Clock::default());
        }
        let mut values = Values::default();
        state.network.valid().visit(&mut values);
        values.0
    });
    let apart =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let (moved, found) = (apart(&start, &alone), apart(&alone, &shared));
    assert!(found > 0.0, "nothing was computed elsewhere");
    assert!(found < OTHER_ROUNDING && moved > 40.0 * OTHER_ROUNDING, "{found}, {moved}");
}

#[test]
fn a_failure_in_one_of_several_clips_ends_the_step() {
    let mut bench = Bench::new("");
    bench.pool = pool(2);
    let mut state = bench.fresh();
    let lost = bench.folder.path().join("train3.example");
    std::fs::remove_file(&lost).unwrap();
    let error = bench.course().run(&mut state, &mut Clock::default()).unwrap_err();
    assert!(format!("{error:#}").contains("train3.example"), "{error:#}");
}

#[test]
fn other_seeds_train_other_weights() {
    let [a, b] = ["seed = 1", "seed = 2"].map(|seed| {
        let bench = Bench::new(seed);
        weights(&bench.fresh())
    });
    assert!(a != b);
}

#[test]
fn training_makes_the_masks_better_and_keeps_the_best() {
    let mut bench = Bench::new("");
    bench.config.steps = 60;
    bench.config.optimiser.learning_rate = 1e-2;
    let mut state = bench.fresh();
    let mut clock = Clock::default();
    bench.run(&mut state, &mut clock);
    let (first, best) = (clock.validations_db[0], state.progress.best_db.unwrap());
    let unmasked = state.progress.unmasked_db.unwrap();
    // Half of the bands are the own source's: without masks the SNR is about 0 dB.
    assert!(unmasked.abs() < 0.3, "{unmasked}");
    assert!(best > first + 3.0 && best > unmasked + 3.0, "{first} to {best} dB");
    let most = clock.validations_db.iter().copied().fold(f64::MIN, f64::max);
    assert_eq!(best, most);
    let kept = std::fs::read(bench.folder.path().join(BEST_FILE)).unwrap();
    let size = bench.config.network.network();
    let network = Network::from_safetensors(&size, kept, &bench.device).unwrap();
    let scenes_db = bench.course().validate(Some(&network)).unwrap();
    assert_eq!(mean(scenes_db.into_iter().flatten()).unwrap(), best);
}

#[test]
fn a_round_ends_early_when_nothing_becomes_better() {
    let mut bench = Bench::new("");
    bench.config.steps = 1000;
    bench.config.validation.every_steps = 2;
    // Far too large a step: random weights stay the best for a while.
    bench.config.optimiser.learning_rate = 1.0;
    let mut state = bench.fresh();
    let mut clock = Clock::default();
    assert_eq!(bench.run(&mut state, &mut clock), End::Early);
    assert_eq!(state.progress.since_best, 2);
    assert!(state.progress.step < 1000);
}

#[test]
fn the_average_is_judged_and_kept_where_one_is_wanted() {
    let mut bench = Bench::new("");
    bench.config.steps = 2;
    bench.config.optimiser.average = 0.75;
    let mut state = bench.fresh();
    let mut clock = Clock { stop_at: Some(1), ..Clock::default() };
    bench.run(&mut state, &mut clock);
    // After one step, the mean equals that step's weights.
    let first = weights(&state);
    assert!(state.average.as_deref() == Some(&first));
    bench.run(&mut state, &mut Clock::default());
    let mut by_hand = first;
    blend(&mut by_hand, &weights(&state), 0.5).unwrap();
    assert!(state.average.as_deref() == Some(&by_hand));
    assert!(weights(&state) != by_hand);
    let judged = state.judged(&bench.config, &bench.device).unwrap();
    assert!(weights_of(&judged).unwrap() == by_hand);
    let best = std::fs::read(bench.folder.path().join(BEST_FILE)).unwrap();
    assert!(best == by_hand || state.progress.since_best > 0);
    assert!(blend(&mut by_hand, &best[1..], 0.5).is_err());
}

#[test]
fn a_validation_counts_what_masks_spoil_as_much_as_the_loss_does() {
    let mut bench = Bench::new("");
    // Mics without bleed: everything that a mask removes is lost.
    let mut clean = random_example(2, 14, 1);
    for sums in clean.sums.chunks_exact_mut(NUM_SUMS * NUM_BANDS) {
        let (after, others) = sums.split_at_mut(NUM_BANDS);
        let (others, bleed) = others.split_at_mut(3 * NUM_BANDS);
        others.chunks_exact_mut(NUM_BANDS).for_each(|sums| sums.copy_from_slice(after));
        bleed.fill(0.0);
    }
    let path = bench.folder.path().join("clean.example");
    bench.validation = vec![("clean".to_owned(), Stored::write(&clean, &path).unwrap())];
    let network = bench.fresh().network.valid();
    let mut at = |weight: f64, network: Option<&Network>| {
        bench.config.loss.harm = weight;
        let scenes_db = bench.course().validate(network).unwrap();
        mean(scenes_db.into_iter().flatten()).unwrap()
    };
    let [free, once, thrice] = [0.0, 1.0, 3.0].map(|weight| at(weight, Some(&network)));
    assert!(once < free, "random masks spoil something: {once}, {free}");
    assert!((free - thrice - 3.0 * (free - once)).abs() < 1e-9, "{free} {once} {thrice}");
    assert_eq!(at(0.0, None), at(3.0, None));
}

#[test]
fn damaged_checkpoints_are_refused() {
    let bench = Bench::new("");
    let mut state = bench.fresh();
    // Numbers that an inexact parser of decimals gets wrong in the last bit.
    state.progress.best_db = Some(1.402_521_451_935_171_9);
    state.progress.recent[0] = 0.000_471_500_000_000_000_13;
    state.save(&bench.checkpoint()).unwrap();
    let loaded = State::load(&bench.config, &bench.device, &bench.checkpoint()).unwrap();
    assert_eq!(loaded.progress, state.progress);
    state.save(&bench.checkpoint()).unwrap();
    let whole = std::fs::read(bench.checkpoint()).unwrap();
    let wider = {
        let mut config = bench.config.clone();
        config.network.width = 16;
        config
    };
    let line = |config: &TrainConfig| {
        let loaded = State::load(config, &bench.device, &bench.checkpoint());
        loaded.map(|_| ()).map_err(|error| format!("{error:#}")).unwrap_err()
    };
    assert!(line(&wider).contains("damaged"), "{}", line(&wider));
    std::fs::write(bench.checkpoint(), &whole[..whole.len() - 5]).unwrap();
    assert!(line(&bench.config).contains("incomplete"), "{}", line(&bench.config));
    std::fs::write(bench.checkpoint(), b"nothing").unwrap();
    assert!(line(&bench.config).contains("not a checkpoint"), "{}", line(&bench.config));
}

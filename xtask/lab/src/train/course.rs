//! Loop of one round: steps, validation, the best weights, checkpoints, and an early end.

use super::batch::{Batch, Pick};
use super::calibration::Calibration;
use super::checkpoint::{LogEntry, State};
use super::config::TrainConfig;
use super::loss::{Given, Sums, harm, level_error, negative_snr};
use super::store::{Stored, write_whole};
use super::weights::weights_of;
use anyhow::{Result, anyhow, ensure};
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use engine::debleed::cancel::NUM_BANDS;
use engine::network::{Masks, Network};
use rayon::ThreadPool;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the file with the best weights so far.
pub const BEST_FILE: &str = "best.safetensors";
/// Name of the file from which a killed training continues.
pub(super) const CHECKPOINT_FILE: &str = "checkpoint.bin";
/// Number of steps between two log entries.
const LOG_STEPS: usize = 20;
/// Number of steps in the running means.
const RECENT_STEPS: usize = 50;

/// Inputs of one round.
#[derive(Debug)]
pub(super) struct Course<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) examples: &'a [Stored],
    /// Validation recordings, each with its stratum.
    pub(super) validation: &'a [(String, Stored)],
    /// Device that holds the weights and computes the validation.
    pub(super) device: &'a Device,
    /// Other devices that share the clips of a step.
    pub(super) others: &'a [Device],
    /// Computes several clips in parallel; the number of threads does not change the results.
    pub(super) pool: &'a ThreadPool,
    pub(super) out: &'a Path,
}

/// Clips of a step that are computed together.
struct Part<'p, 'e> {
    clips: &'p [Pick<'e>],
    device: &'p Device,
    /// Share of the clips of the step.
    share: f64,
}

/// Observer of a round.
pub(super) trait Watch {
    /// Called after each step.
    fn step(&mut self, state: &State);
    /// Called after each validation.
    fn validated(&mut self, state: &State, entry: &LogEntry);
    /// Returns true to stop the round.
    fn stop(&self) -> bool;
}

/// End of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All steps were taken.
    Complete,
    /// The validation no longer improved.
    Early,
    /// The observer stopped the round.
    Stopped,
}

impl Course<'_> {
    /// Takes the remaining steps of the state's round.
    pub(super) fn run(&self, state: &mut State, watch: &mut dyn Watch) -> Result<End> {
        let checkpoint = self.out.join(CHECKPOINT_FILE);
        if state.progress.best_db.is_none() {
            let scenes_db = self.validate(None)?;
            state.progress.unmasked_db = Some(mean(scenes_db.iter().flatten().copied())?);
            state.progress.unmasked_scenes_db = scenes_db;
            self.judge(state, watch)?;
            state.save(&checkpoint)?;
        }
        while state.progress.step < self.config.steps && !self.is_over(state) {
            if watch.stop() {
                state.save(&checkpoint)?;
                return Ok(End::Stopped);
            }
            self.step(state)?;
            watch.step(state);
            let step = state.progress.step;
            let last = step == self.config.steps;
            if last || step.is_multiple_of(self.config.validation.every_steps) {
                self.judge(state, watch)?;
            } else if step.is_multiple_of(LOG_STEPS) {
                let entry = self.entry(state, None);
                state.progress.log.push(entry);
            }
            if last || step.is_multiple_of(self.config.checkpoint_steps) {
                state.save(&checkpoint)?;
            }
        }
        Ok(if state.progress.step < self.config.steps { End::Early } else { End::Complete })
    }

    fn is_over(&self, state: &State) -> bool {
        let patience = self.config.validation.patience;
        patience > 0 && state.progress.since_best >= patience
    }

    /// Takes one step, which depends only on the state.
    fn step(&self, state: &mut State) -> Result<()> {
        let config = self.config;
        let at = (state.progress.round, state.progress.step);
        let picks = Pick::draw(self.examples, config, at);
        let parts = self.parts(&picks);
        let found = self.each(&parts, |part| self.learn(&state.network, part))?;
        let mut gradients = GradientsAccumulator::new();
        let mut seen = [0.0; 2];
        // Accumulated in the order of the clips, whichever was computed first.
        for ((of_part, seen_in_part), part) in found.into_iter().zip(&parts) {
            gradients.accumulate(&state.network, of_part);
            for (sum, value) in seen.iter_mut().zip(seen_in_part) {
                *sum += value * part.share;
            }
        }
        ensure!(
            seen[0].is_finite(),
            "the loss is not finite after step {} of round {}; try a smaller learning_rate",
            at.1,
            at.0
        );
        let rate = config.optimiser.rate(at.0, at.1, config.steps);
        // The optimiser takes the network by value and returns it.
        state.network = state.optimiser.step(rate, state.network.clone(), gradients.grads());
        state.progress.step += 1;
        state.follow(config)?;
        let share = 1.0 / state.progress.step.min(RECENT_STEPS) as f64;
        for (recent, seen) in state.progress.recent.iter_mut().zip(seen) {
            *recent += (seen - *recent) * share;
        }
        Ok(())
    }

    /// Splits the clips into parts that are computed at once: clip by clip on the processor, whose
    /// cores share them; elsewhere all together, or one part for each device.
    fn parts<'p, 'e>(&'p self, picks: &'p [Pick<'e>]) -> Vec<Part<'p, 'e>> {
        let devices = std::iter::once(self.device).chain(self.others);
        let is_processor = self.config.device.is_processor();
        let size = if is_processor { 1 } else { picks.len().div_ceil(1 + self.others.len()) };
        let parts = picks.chunks(size).zip(devices.cycle());
        let share = |clips: &[Pick<'_>]| clips.len() as f64 / picks.len() as f64;
        parts.map(|(clips, device)| Part { clips, device, share: share(clips) }).collect()
    }

    /// Runs `work` for each part, several at a time; results are in the order of the parts.
    fn each<T: Send, P: Sync>(
        &self,
        parts: &[P],
        work: impl Fn(&P) -> Result<T> + Send + Sync,
    ) -> Result<Vec<T>> {
        self.pool.install(|| parts.par_iter().map(work).collect())
    }

    /// Computes the gradients of the part's share of the loss, on the first device, and the loss
    /// and the SNR in dB.
    fn learn(&self, network: &Network, part: &Part<'_, '_>) -> Result<(GradientsParams, [f64; 2])> {
        let config = self.config;
        let device = part.device.clone().autodiff();
        let batch = Batch::read(part.clips, config.hops, &device)?;
        // The fork has nodes of its own: a graph that threads share is locked while one of them
        // traverses it, and the others wait.
        let network = &network.valid().fork(part.device).train();
        let masks = masks(network, &batch, &device);
        let given = Given { keep: &masks.keep, guide: &masks.guide, logits: &masks.logits };
        let loss = config.loss.total(&given, &batch.sums);
        // As in the validation, mics whose sources are silent have no SNR.
        let heard = Sums { weights: batch.measured, ..batch.sums };
        let snr = negative_snr(&masks.keep, &heard, config.hops, &config.loss);
        let seen = [scalar(loss.clone())?, -scalar(snr)?];
        let gradients = GradientsParams::from_grads((loss * part.share).backward(), network);
        Ok((gradients.to_device(self.device, network), seen))
    }

    /// Validates, and keeps the weights if they are the best of this round.
    fn judge(&self, state: &mut State, watch: &mut dyn Watch) -> Result<()> {
        let network = state.judged(self.config, self.device)?;
        let (scenes_db, calibration) = self.examine(Some(&network))?;
        let found_db = mean(scenes_db.iter().flatten().copied())?;
        let progress = &mut state.progress;
        let strata_db = self.strata(&scenes_db, &progress.unmasked_scenes_db)?;
        let score_db = score(&strata_db)?;
        if progress.best_score_db.is_none_or(|best_db| score_db > best_db) {
            progress.best_db = Some(found_db);
            progress.best_score_db = Some(score_db);
            progress.since_best = 0;
            write_whole(&self.out.join(BEST_FILE), &weights_of(&network)?)?;
        } else {
            progress.since_best += 1;
        }
        let mut entry = self.entry(state, Some(found_db));
        entry.score_db = Some(score_db);
        entry.strata_db = strata_db;
        entry.calibration = calibration.classes();
        watch.validated(state, &entry);
        state.progress.log.push(entry);
        Ok(())
    }

    fn entry(&self, state: &State, validation_db: Option<f64>) -> LogEntry {
        let progress = &state.progress;
        let (round, step) = (progress.round, progress.step);
        let seen = |which: usize| (step > 0).then(|| progress.recent[which]);
        LogEntry {
            round,
            step,
            learning_rate: self.config.optimiser.rate(round, step, self.config.steps),
            loss: seen(0),
            training_db: seen(1),
            validation_db,
            score_db: None,
            strata_db: Vec::new(),
            calibration: Vec::new(),
        }
    }

    /// Returns the mean SNR in dB of each validation scene's mics whose sources play, with the
    /// masks of `network` or none. The [`harm`] of the masks over whole scenes and the
    /// [`level_error`] are subtracted, weighted as in the loss.
    fn validate(&self, network: Option<&Network>) -> Result<Vec<Option<f64>>> {
        Ok(self.examine(network)?.0)
    }

    /// Returns the same, and the calibration of all masks.
    fn examine(&self, network: Option<&Network>) -> Result<(Vec<Option<f64>>, Calibration)> {
        let of_scenes =
            self.each(self.validation, |(_, example)| self.examine_scene(network, example))?;
        let mut calibration = Calibration::default();
        let of_scene = |found: Option<(f64, Calibration)>| {
            let (snr_db, of_scene) = found?;
            calibration.add(&of_scene);
            Some(snr_db)
        };
        let scenes_db = of_scenes.into_iter().map(of_scene).collect();
        Ok((scenes_db, calibration))
    }

    /// Returns the gain of the masks in each stratum, in dB.
    fn strata(
        &self,
        masked_db: &[Option<f64>],
        unmasked_db: &[Option<f64>],
    ) -> Result<Vec<(String, f64)>> {
        let mut strata: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let scenes = self.validation.iter().zip(masked_db.iter().zip(unmasked_db));
        for ((stratum, _), (masked_db, unmasked_db)) in scenes {
            if let (Some(masked_db), Some(unmasked_db)) = (masked_db, unmasked_db) {
                strata.entry(stratum).or_default().push(masked_db - unmasked_db);
            }
        }
        let of = |(name, gains_db): (&str, Vec<f64>)| Ok((name.to_owned(), mean(gains_db)?));
        strata.into_iter().map(of).collect()
    }

    /// Returns the same for one scene; `None` if no source plays.
    fn examine_scene(
        &self,
        network: Option<&Network>,
        example: &Stored,
    ) -> Result<Option<(f64, Calibration)>> {
        let relations = &example.relations;
        let mut mics = relations.is_target.iter().zip(&relations.plays);
        if !mics.any(|(&target, &plays)| target && plays) {
            return Ok(None);
        }
        let batch = Batch::read(&[Pick::whole(example)], example.num_hops, self.device)?;
        let keep = match network {
            Some(network) => masks(network, &batch, self.device).keep,
            None => batch.sums.after.ones_like(),
        };
        let sums = Sums { weights: batch.measured, ..batch.sums };
        let (hops, loss) = (example.num_hops, &self.config.loss);
        let snr_db = -scalar(negative_snr(&keep, &sums, hops, loss))?;
        let harm_db = loss.harm * scalar(harm(&keep, &sums, hops, loss))?;
        let level_db = loss.level * scalar(level_error(&keep, &sums))?;
        Ok(Some((snr_db - harm_db - level_db, Calibration::of(&keep, &sums)?)))
    }
}

pub(super) fn masks(network: &Network, batch: &Batch, device: &Device) -> Masks {
    let [clips, mics, _, _] = batch.features.dims();
    let mut memory = network.blank_memory(clips, mics, device);
    let features = batch.features.clone().narrow(3, 0, network.num_features() * NUM_BANDS);
    network.forward(features, &batch.pairs, &mut memory)
}

/// Returns half the mean over strata plus half the worst of them, so that a single bad stratum
/// lowers the score.
fn score(strata_db: &[(String, f64)]) -> Result<f64> {
    let gains_db = || strata_db.iter().map(|&(_, gain_db)| gain_db);
    Ok(0.5 * mean(gains_db())? + 0.5 * gains_db().fold(f64::INFINITY, f64::min))
}

fn mean(values_db: impl IntoIterator<Item = f64>) -> Result<f64> {
    let (sum, count) =
        values_db.into_iter().fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
    ensure!(count > 0.0, "no source of the validation scenes plays");
    let mean = sum / count;
    ensure!(mean.is_finite(), "the validation is not finite");
    Ok(mean)
}

pub(super) fn scalar(tensor: Tensor<1>) -> Result<f64> {
    let data = tensor.into_data();
    data.as_slice::<f32>()
        .ok()
        .and_then(|values| values.first().copied())
        .map(f64::from)
        .ok_or_else(|| anyhow!("a loss is one number"))
}

#[cfg(test)]
mod tests {
    use super::super::device::DeviceName;
    use super::super::examples::NUM_SUMS;
    use super::super::store::tests::{random_example, with_pairs};
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
}

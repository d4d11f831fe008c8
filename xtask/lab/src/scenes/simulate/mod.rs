//! Simulates scenes from a recipe: on the fly for training, or into a folder.

mod batch;
mod cast;
mod describe;
mod hear;
mod kit;
mod order;

pub use batch::{Format, SimulateOptions, Summary, run};

use super::console::{Chain, Mains};
use super::layout::{Layout, LayoutRequest, Member, Role};
use super::recipe::{Recipe, SceneConfig, SceneKind};
use super::sources::{Ensemble, FULL_SCALE_DB_SPL, Library, Part, PlayRequest, levels::loud_part};
use super::split::Split;
use super::{Scene, SceneInfo, draw_weighted};
use crate::convert::{db_to_lin, to_f32, to_index};
use crate::random::Random;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Returns the seed of one scene. Scenes of a recipe differ in their seeds, also across splits.
#[must_use]
pub fn scene_seed(recipe_seed: u64, split: Split, index: u64) -> u64 {
    let split_number = match split {
        Split::Train => 1,
        Split::Validation => 2,
        Split::Test => 3,
    };
    let of_split = Random::for_part(recipe_seed, split_number).bits();
    Random::for_part(of_split, index).bits()
}

/// Random streams of a scene, all derived from its seed.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Kind = 1,
    Music,
    Cast,
    Layout,
    Levels,
    Tails,
    Console,
}

impl Stream {
    fn of(self, seed: u64) -> Random {
        Random::for_part(seed, self as u64)
    }
}

/// Simulates one scene of a recipe.
///
/// The result depends only on the arguments, so any number of threads may simulate scenes in any
/// order. `index` starts at 1, like the numbers of scene folders.
///
/// # Errors
///
/// Returns an error if the recipe requires something that its material or its rooms do not provide.
pub fn scene(recipe: &Recipe, library: &Library, index: u64) -> Result<Scene> {
    let seed = scene_seed(recipe.seed, recipe.split, index);
    let mut random = Stream::Kind.of(seed);
    let weights: Vec<f64> = recipe.scenes.iter().map(|scene| scene.get_ref().weight).collect();
    let config = recipe.scenes[draw_weighted(&weights, &mut random)].get_ref();
    let rate_hz = random.pick(&recipe.rate_hz);
    let draft = Draft { recipe, config, library, seed, rate_hz };
    let mut scene = match config.kind {
        SceneKind::Ensemble => draft.ensemble(&mut random),
        SceneKind::Kit => draft.kit(),
    }
    .with_context(|| format!("{} scene {index} of split {}", recipe.name, recipe.split))?;
    let built_in = super::recipe::BUILT_IN.iter().any(|(name, _)| *name == recipe.name);
    scene.info.made_by = format!(
        "cargo xtask simulate --recipe {}{} --split {} --seed {} --first {index} --count 1",
        recipe.name,
        if built_in { "" } else { ".toml" },
        recipe.split,
        recipe.seed
    );
    let drawn = &mut scene.info.drawn;
    drawn.insert("split".to_owned(), recipe.split.name().into());
    drawn.insert("index".to_owned(), index.into());
    drawn.insert("scene_seed".to_owned(), seed.into());
    scene.measure_input();
    Ok(scene)
}

/// Level of the loud parts at 1 m, in dB re 20 uPa, if all sources are equally loud.
const EVEN_DB_SPL: f64 = 85.0;

/// Parameters of a scene to be simulated.
struct Draft<'a> {
    recipe: &'a Recipe,
    config: &'a SceneConfig,
    library: &'a Library,
    seed: u64,
    rate_hz: u32,
}

impl Draft<'_> {
    fn num_samples(&self) -> usize {
        to_index(self.recipe.duration_s * f64::from(self.rate_hz))
    }

    fn ensemble(&self, random: &mut Random) -> Result<Scene> {
        let stage = self.recipe.stage_of(self.config);
        let all = Ensemble::ALL.into_iter().filter(|&ensemble| self.library.can_play(ensemble));
        let named = &self.config.ensembles;
        let ensembles: Vec<_> = if named.is_empty() { all.collect() } else { named.clone() };
        ensure!(!ensembles.is_empty(), "no ensemble can be played with this material");
        let ensemble = random.pick(&ensembles);
        let mut casting = Stream::Cast.of(self.seed);
        let size = cast::Size::draw(self.config.mics, stage, &mut casting);
        let request = PlayRequest {
            ensemble,
            num_parts: size.num_parts.min(ensemble.most_parts()),
            num_samples: self.num_samples(),
            rate_hz: self.rate_hz,
            // Silent parts are drawn by `cast`, so that the targets take them into account.
            silent_chance: 0.0,
            rare_chance: stage.rare,
            tutti_chance: stage.tutti,
            together_chance: stage.together,
            wanted: order::wanted(ensemble, stage, &mut casting),
        };
        let mut parts = self.library.play(&request, &mut Stream::Music.of(self.seed))?;
        ensure!(!parts.is_empty(), "the {} has no parts", ensemble.name());
        let named: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.family)).collect();
        let (roles, num_room_mics) = cast::draw(&named, size, stage, &mut casting);
        let members: Vec<Member<'_>> = roles
            .iter()
            .map(|role| {
                let (name, family) = named[role.part];
                Member { name, family, miking: role.miking }
            })
            .collect();
        let layout = Layout::draw(
            &LayoutRequest {
                room: self.recipe.room_of(self.config),
                stage,
                arrangement: order::arrangement(ensemble, &mut casting),
                members: &members,
                num_room_mics,
                split: self.recipe.split,
            },
            &mut Stream::Layout.of(self.seed),
        )?;
        let names = describe::mic_names(&members, &layout);
        let levels_db = self.set_levels(&mut parts, &roles);
        let heard = hear::hear(&hear::Stage {
            layout: &layout,
            roles: &roles,
            parts: &parts,
            rate_hz: self.rate_hz,
            tail_seed: Stream::Tails.of(self.seed).bits(),
        })?;
        let (mut scene, chains) = self.record(&layout, heard)?;
        scene.info.names = names;
        describe::owners(&mut scene.info, &layout, roles.len());
        let drawn = &mut scene.info.drawn;
        drawn.insert("ensemble".to_owned(), ensemble.name().into());
        drawn.insert("room".to_owned(), describe::room(&layout));
        let sources = (0..roles.len())
            .map(|n| describe::source(&layout, n, &roles[n], &parts[roles[n].part], levels_db[n]));
        drawn.insert("sources".to_owned(), sources.collect());
        let mics =
            layout.mics.iter().zip(chains).map(|(mic, chain)| describe::mic(&layout, mic, chain));
        drawn.insert("mics".to_owned(), mics.collect());
        Ok(scene)
    }

    /// Sets the players' levels and returns their drawn differences in dB.
    fn set_levels(&self, parts: &mut [Part], roles: &[cast::Role]) -> Vec<f64> {
        let mut random = Stream::Levels.of(self.seed);
        let stage = self.recipe.stage_of(self.config);
        let spread_db = stage.level_spread_db.draw(&mut random);
        if stage.even > 0.0 && random.chance(stage.even) {
            let gain = to_f32(db_to_lin(EVEN_DB_SPL - FULL_SCALE_DB_SPL));
            for role in roles {
                let dry = &mut parts[role.part].dry;
                let loud = to_f32(loud_part(dry, self.rate_hz));
                if loud > 0.0 {
                    dry.iter_mut().for_each(|sample| *sample *= gain / loud);
                }
            }
        }
        roles
            .iter()
            .map(|role| {
                let level_db = random.normal(0.0, spread_db);
                let dry = &mut parts[role.part].dry;
                let gain = to_f32(db_to_lin(level_db));
                dry.iter_mut().for_each(|sample| *sample *= gain);
                level_db
            })
            .collect()
    }

    fn record(&self, layout: &Layout, heard: Vec<hear::Heard>) -> Result<(Scene, Vec<Value>)> {
        let config = self.recipe.console_of(self.config);
        let mains = self.mains();
        let mut scene = Scene {
            info: SceneInfo::default(),
            rate_hz: self.rate_hz,
            mics: Vec::new(),
            targets: Vec::new(),
        };
        let mut chains = Vec::new();
        for (number, (mic, heard)) in (0_u64..).zip(layout.mics.iter().zip(heard)) {
            let mut random = self.console_stream(number);
            let chain = Chain::draw(config, mic.role == Role::Below, &mut random);
            let expected_peak = heard.expected_peak(&mut random);
            let recorded = chain.record(heard.images, expected_peak, mains, &mut random);
            chains.push(describe::chain(&chain, recorded.gain_db, mains)?);
            if heard.silent {
                scene.info.silent_mics.push(scene.mics.len() + 1);
            }
            scene.mics.push(recorded.mic);
            scene.targets.push(recorded.target);
        }
        Ok((scene, chains))
    }

    fn mains(&self) -> Mains {
        let mut random = self.console_stream(u64::MAX);
        // Mains frequencies are kept within about a twentieth of a hertz.
        let hz = random.pick(&[50.0, 60.0]) + random.normal(0.0, 0.02);
        Mains { hz, rate_hz: self.rate_hz }
    }

    fn console_stream(&self, mic: u64) -> Random {
        Random::for_part(Stream::Console.of(self.seed).bits(), mic)
    }
}

#[cfg(test)]
mod tests;

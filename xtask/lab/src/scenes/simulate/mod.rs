//! Simulates scenes from a recipe: on the fly for training, or into a folder.

mod batch;
mod cast;
mod hear;
mod kit;
mod order;

pub use batch::{Format, SimulateOptions, Summary, run};

use super::console::{Chain, Mains};
use super::layout::{Layout, LayoutRequest, Member, Role};
use super::recipe::{Recipe, SceneConfig, SceneKind};
use super::sources::{Ensemble, Library, Part, PlayRequest};
use super::split::Split;
use super::{Scene, SceneInfo, draw_weighted};
use crate::convert::{db_to_lin, to_f32, to_index};
use crate::random::Random;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The seed of one scene: no two of a recipe, of whatever split, are alike.
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

/// What is drawn from a scene's seed, each from a stream of its own.
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
/// It depends on nothing but its arguments: any number of threads may make any scenes in any
/// order. Scenes are numbered from 1 in their folders, so `index` starts at 1 there.
///
/// # Errors
///
/// When the recipe asks for something that its material or its rooms do not have.
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
    scene.info.made_by = format!(
        "cargo xtask simulate --recipe {} --split {} --seed {} --first {index} --count 1",
        recipe.name, recipe.split, recipe.seed
    );
    let drawn = &mut scene.info.drawn;
    drawn.insert("split".to_owned(), recipe.split.name().into());
    drawn.insert("index".to_owned(), index.into());
    drawn.insert("scene_seed".to_owned(), seed.into());
    scene.measure_input();
    Ok(scene)
}

/// A scene about to be made.
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
        ensure!(!ensembles.is_empty(), "the material can play no ensemble");
        let ensemble = random.pick(&ensembles);
        let mut casting = Stream::Cast.of(self.seed);
        let size = cast::Size::draw(self.config.mics, stage, &mut casting);
        let request = PlayRequest {
            ensemble,
            num_parts: size.num_parts.min(ensemble.most_parts()),
            num_samples: self.num_samples(),
            rate_hz: self.rate_hz,
            // Who is silent is drawn here, where it is known to the truth.
            silent_chance: 0.0,
            rare_chance: stage.rare,
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
        let names = mic_names(&members, &layout);
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
        describe_owners(&mut scene.info, &layout, roles.len());
        let drawn = &mut scene.info.drawn;
        drawn.insert("ensemble".to_owned(), ensemble.name().into());
        drawn.insert("room".to_owned(), describe_room(&layout));
        let sources = (0..roles.len())
            .map(|n| describe_source(&layout, n, &roles[n], &parts[roles[n].part], levels_db[n]));
        drawn.insert("sources".to_owned(), sources.collect());
        let mics = layout.mics.iter().zip(chains).map(|(mic, chain)| describe_mic(&layout, mic, chain));
        drawn.insert("mics".to_owned(), mics.collect());
        Ok(scene)
    }

    /// Makes players differ in level, more than they do by themselves.
    fn set_levels(&self, parts: &mut [Part], roles: &[cast::Role]) -> Vec<f64> {
        let mut random = Stream::Levels.of(self.seed);
        let stage = self.recipe.stage_of(self.config);
        let spread_db = stage.level_spread_db.draw(&mut random);
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
            chains.push(describe_chain(&chain, recorded.gain_db, mains)?);
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
        // Grids are held within a twentieth of a hertz or so.
        let hz = random.pick(&[50.0, 60.0]) + random.normal(0.0, 0.02);
        Mains { hz, rate_hz: self.rate_hz }
    }

    fn console_stream(&self, mic: u64) -> Random {
        Random::for_part(Stream::Console.of(self.seed).bits(), mic)
    }
}

fn mic_names(members: &[Member<'_>], layout: &Layout) -> Vec<String> {
    let mut num_room = 0;
    let mut num_over = 0;
    let numbered = |what: &str, count: &mut usize| {
        *count += 1;
        format!("{what} {count}")
    };
    layout
        .mics
        .iter()
        .map(|mic| {
            let name = mic.own.map_or("", |own| members[own].name);
            match mic.role {
                Role::Close => name.to_owned(),
                Role::Second => format!("{name} second"),
                Role::Below => format!("{name} below"),
                Role::Overhead => numbered("overhead", &mut num_over),
                Role::Room => numbered("room", &mut num_room),
            }
        })
        .collect()
}

/// Groups and room mics, by the mics' numbers.
fn describe_owners(info: &mut SceneInfo, layout: &Layout, num_sources: usize) {
    for source in 0..num_sources {
        let own: Vec<usize> = (1..)
            .zip(&layout.mics)
            .filter(|(_, mic)| mic.own == Some(source))
            .map(|(number, _)| number)
            .collect();
        if own.len() > 1 {
            info.groups.push(own);
        }
    }
    let room = (1..).zip(&layout.mics).filter(|(_, mic)| mic.own.is_none());
    info.room_mics = room.map(|(number, _)| number).collect();
}

fn describe_room(layout: &Layout) -> Value {
    let gobos: Vec<Value> = layout
        .room
        .gobos
        .iter()
        .map(|gobo| json!({ "ends_m": gobo.ends_m.map(rounded), "height_m": round(gobo.height_m) }))
        .collect();
    json!({
        "size_m": rounded(layout.room.size_m),
        "rt60_s": round(layout.room.rt60_s),
        "gobos": gobos,
    })
}

fn describe_source(
    layout: &Layout,
    source: usize,
    role: &cast::Role,
    part: &Part,
    level_db: f64,
) -> Value {
    let placed = &layout.sources[source];
    json!({
        "name": part.name,
        "family": part.family,
        "miking": format!("{:?}", role.miking).to_lowercase(),
        "silent": role.silent,
        "at_m": rounded(placed.at),
        "aim": rounded(placed.aim),
        "level_db": round(level_db),
        "made_of": part.made_of,
    })
}

fn describe_mic(layout: &Layout, mic: &super::layout::StageMic, chain: Value) -> Value {
    let away_m = mic.own.map(|own| {
        round(crate::room::distance(mic.placed.at, layout.sources[own].at))
    });
    json!({
        "role": format!("{:?}", mic.role).to_lowercase(),
        "source": mic.own.map(|own| own + 1),
        "distance_m": away_m,
        "at_m": rounded(mic.placed.at),
        "aim": rounded(mic.placed.aim),
        "pattern": mic.pattern,
        "chain": chain,
    })
}

fn describe_chain(chain: &Chain, gain_db: f64, mains: Mains) -> Result<Value> {
    let mut value = serde_json::to_value(chain)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("gain_db".to_owned(), round(gain_db).into());
        if chain.hum_below_db.is_some() {
            fields.insert("mains_hz".to_owned(), round(mains.hz).into());
        }
    }
    Ok(value)
}

/// Four decimals are a tenth of a millimetre: what was drawn can be read, and drawn again by seed.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4 + 0.0
}

fn rounded<const N: usize>(values: [f64; N]) -> Vec<f64> {
    values.into_iter().map(round).collect()
}

#[cfg(test)]
mod tests;

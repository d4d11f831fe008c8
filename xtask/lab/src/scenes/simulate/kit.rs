//! Scenes of a real kit, with its own mics and room and a simulated console.

use super::{Draft, Stream, describe};
use crate::scenes::Scene;
use crate::scenes::console::{Chain, Images};
use crate::scenes::sources::KitRequest;
use anyhow::Result;
use serde_json::json;

/// Numbers of mics that the kits have.
const NUM_CLOSE: usize = 11;
const NUM_OVERHEADS: usize = 2;

impl Draft<'_> {
    pub(super) fn kit(&self) -> Result<Scene> {
        let mut random = Stream::Cast.of(self.seed);
        let stage = self.recipe.stage_of(self.config);
        let num_mics = self.config.mics.draw_count(&mut random);
        let overheads = random.chance(stage.room_mic_chance) && num_mics >= 4;
        let num_close = (num_mics - if overheads { NUM_OVERHEADS } else { 0 }).min(NUM_CLOSE);
        let request = KitRequest {
            num_samples: self.num_samples(),
            rate_hz: self.rate_hz,
            num_close_mics: Some(num_close),
            overheads,
        };
        let mut scene = self.library.play_kit(&request, &mut Stream::Music.of(self.seed))?;
        let config = self.recipe.console_of(self.config);
        let mains = self.mains();
        let mut described = Vec::new();
        for (number, (mic, target)) in (0_u64..).zip(scene.mics.iter_mut().zip(&mut scene.targets))
        {
            let is_room = number >= num_close as u64;
            let own = if is_room { mic.clone() } else { std::mem::take(target) };
            let bleed = mic.iter().zip(&own).map(|(mic, own)| mic - own).collect();
            if own.iter().all(|&sample| sample == 0.0) {
                scene.info.silent_mics.push(described.len() + 1);
            }
            let mut random = self.console_stream(number);
            let chain = Chain::draw(config, false, &mut random);
            let recorded = chain.record(Images { own, bleed }, None, mains, &mut random);
            let role = if is_room { "overhead" } else { "close" };
            let chain = describe::chain(&chain, recorded.gain_db, mains)?;
            described.push(json!({ "role": role, "chain": chain }));
            (*mic, *target) = (recorded.mic, recorded.target);
        }
        scene.info.room_mics = (1..=scene.mics.len()).skip(num_close).collect();
        scene.info.drawn.insert("ensemble".to_owned(), "real kit".into());
        scene.info.drawn.remove("room_mics");
        scene.info.drawn.insert("mics".to_owned(), described.into());
        Ok(scene)
    }
}

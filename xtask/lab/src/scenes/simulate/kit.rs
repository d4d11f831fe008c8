//! Scenes of a real kit: its own mics and its own room, our console.

use super::{Draft, Stream, describe_chain};
use crate::scenes::Scene;
use crate::scenes::console::{Chain, Images};
use crate::scenes::sources::KitRequest;
use anyhow::Result;

impl Draft<'_> {
    pub(super) fn kit(&self) -> Result<Scene> {
        let mut random = Stream::Cast.of(self.seed);
        let request = KitRequest {
            num_mics: self.config.mics.draw_count(&mut random),
            num_samples: self.num_samples(),
            rate_hz: self.rate_hz,
        };
        let mut scene = self.library.play_kit(&request, &mut Stream::Music.of(self.seed))?;
        let config = self.recipe.console_of(self.config);
        let mains = self.mains();
        let mut chains = Vec::new();
        for (number, (mic, target)) in
            (0_u64..).zip(scene.mics.iter_mut().zip(&mut scene.targets))
        {
            let own = std::mem::take(target);
            let bleed = mic.iter().zip(&own).map(|(mic, own)| mic - own).collect();
            let mut random = self.console_stream(number);
            let chain = Chain::draw(config, false, &mut random);
            let recorded = chain.record(Images { own, bleed }, None, mains, &mut random);
            chains.push(describe_chain(&chain, recorded.gain_db, mains)?);
            (*mic, *target) = (recorded.mic, recorded.target);
        }
        scene.info.drawn.insert("ensemble".to_owned(), "real kit".into());
        scene.info.drawn.insert("chains".to_owned(), chains.into());
        Ok(scene)
    }
}

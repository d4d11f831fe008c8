//! Arrangements of the ensembles.

use crate::random::Random;
use crate::scenes::layout::Arrangement;
use crate::scenes::recipe::StageConfig;
use crate::scenes::sources::Ensemble;

/// Draws the arrangement of an ensemble: usually its arrangement on stage, sometimes a
/// rehearsal circle.
pub(super) fn arrangement(ensemble: Ensemble, random: &mut Random) -> Arrangement {
    let in_circle = random.chance(0.2);
    match ensemble {
        Ensemble::DrumKit | Ensemble::RockBand | Ensemble::JazzCombo | Ensemble::Stems => {
            Arrangement::Stage
        }
        Ensemble::Talkers => Arrangement::Circle,
        _ if in_circle => Arrangement::Circle,
        Ensemble::Choir => Arrangement::Rows,
        _ => Arrangement::Arc,
    }
}

/// Probability of a crash among the drums, for recipes with unmiked sources.
const CRASH_CHANCE: f64 = 0.4;

/// Returns the seats that are required regardless of their importance: a crash, which rarely has
/// a mic.
pub(super) fn wanted(
    ensemble: Ensemble,
    stage: &StageConfig,
    random: &mut Random,
) -> &'static [&'static str] {
    let crash = random.chance(CRASH_CHANCE) && stage.unmiked > 0.0;
    let drums = [Ensemble::DrumKit, Ensemble::RockBand, Ensemble::JazzCombo].contains(&ensemble);
    if crash && drums { &["crash"] } else { &[] }
}

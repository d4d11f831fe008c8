//! How each ensemble stands.

use crate::random::Random;
use crate::scenes::layout::Arrangement;
use crate::scenes::recipe::StageConfig;
use crate::scenes::sources::Ensemble;

/// Draws how an ensemble stands: mostly as it does on stage, sometimes in a circle to rehearse.
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

/// How often drums come with a crash, where sources without a mic are wanted at all.
const CRASH_CHANCE: f64 = 0.4;

/// Seats that are to be there whatever their importance: a crash, which has hardly ever a mic.
pub(super) fn wanted(
    ensemble: Ensemble,
    stage: &StageConfig,
    random: &mut Random,
) -> &'static [&'static str] {
    let crash = random.chance(CRASH_CHANCE) && stage.unmiked > 0.0;
    let drums = [Ensemble::DrumKit, Ensemble::RockBand, Ensemble::JazzCombo].contains(&ensemble);
    if crash && drums { &["crash"] } else { &[] }
}

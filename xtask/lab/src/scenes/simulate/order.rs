//! How each ensemble stands.

use crate::random::Random;
use crate::scenes::layout::Arrangement;
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

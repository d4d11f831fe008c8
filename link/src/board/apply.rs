//! The settings of the board in the stream's controls.

use engine::Controls;

use super::settle::Board;
use crate::track::Track;

/// Sets the source of the estimates and the amount of every pair of mics from the sheets.
pub(crate) fn apply(board: &mut Board, tracks: &[Track], controls: &mut Controls) {
    if let Some(estimates) = board.estimates() {
        controls.estimates = estimates;
    }
    if !board.take_change() {
        return;
    }
    controls.pair_amount = Controls::default().pair_amount;
    for target in tracks {
        for bleeder in tracks {
            let amount = board.pair_amount(target.id, bleeder.id).clamp(0.0, 1.0);
            for mic in target.mics() {
                controls.pair_amount[mic][bleeder.mics()].fill(amount);
            }
        }
    }
}

//! The settings of the board in the stream's controls.

use engine::Controls;

use super::settle::Board;
use crate::stream::Owner;
use crate::track::Track;

/// Sets the source of the estimates and the amount of every pair of mics from the sheets. `owners`
/// are the members of all mics, those that are not linked at the moment included.
pub(crate) fn apply(
    board: &mut Board,
    tracks: &[Track],
    owners: &[Owner],
    controls: &mut Controls,
) {
    if let Some(estimates) = board.estimates() {
        controls.estimates = estimates;
    }
    if !board.take_change() {
        return;
    }
    controls.pair_amount = Controls::default().pair_amount;
    for target in tracks {
        for bleeder in owners.iter().filter(|owner| owner.mics != target.mics()) {
            let amount = board.pair_amount(target.id, bleeder.identity).clamp(0.0, 1.0);
            for mic in target.mics() {
                controls.pair_amount[mic][bleeder.mics.clone()].fill(amount);
            }
        }
    }
}

//! A room with the results of another program.

use super::Point;

/// A room and the other program's results for it.
pub(super) struct Golden {
    pub(super) size_m: Point,
    pub(super) source: Point,
    pub(super) source_aim: Point,
    /// First-order pattern of the source: 1 omni, 0.5 cardioid.
    pub(super) source_part: f64,
    pub(super) mic: Point,
    pub(super) mic_aim: Point,
    pub(super) mic_part: f64,
    /// Energy absorption of every wall.
    pub(super) absorbed: f64,
    /// Time and level of the nearest images, without directivity.
    pub(super) arrivals_ms_lin: [(f64, f64); 12],
    pub(super) window_db: [f64; 4],
    pub(super) octave_window_db: [[f64; 4]; 6],
    pub(super) remaining_db: [f64; 5],
}

//! Tests of the spectra of all mics.

use egui::Modifiers;
use test_signals::Noise;

use super::{Desk, kit, play, running};

fn shown(desk: &Desk) -> Vec<f32> {
    let column = desk.window.state().spectra.column().expect("a spectrum");
    column.before_db.to_vec()
}

#[test]
fn another_mic_shows_its_last_sound_while_playback_is_stopped() {
    let mut desk = kit();
    let mut session = running(desk.params.class, &desk.live);
    desk.window.run_steps(1);
    let mut noise = Noise::new(1);
    for _ in 0..60 {
        // The first mic has noise, the second one a constant, which lies in the lowest bands.
        play(&mut session, desk.params.class, |mic| match mic {
            0 => 0.3 * noise.draw(),
            1 => 0.2,
            _ => 0.0,
        });
        desk.window.run_steps(1);
    }
    let first = shown(&desk);
    for _ in 0..60 {
        play(&mut session, desk.params.class, |_| 0.0);
        desk.window.run_steps(1);
    }
    // Nothing moves but the tail of the last window.
    let middle = first.len() / 2;
    assert!((shown(&desk)[middle] - first[middle]).abs() < 12.0);
    assert!(first[middle] > -90.0, "{}", first[middle]);
    desk.click("Snare", Modifiers::NONE);
    let second = shown(&desk);
    assert!(second[0] > second[middle] + 40.0, "{second:?}");
    assert!(desk.window.state().spectra.spectrogram().is_some());
}

//! What a picture costs before anything is painted.
#![allow(clippy::print_stdout, reason = "the figure is what it is run for")]

use std::sync::Arc;
use std::time::Instant;

use egui::epaint::Primitive;
use egui::{Context, Pos2, RawInput, Rect};
use nice_plug::context::gui::{GuiContext, GuiContextInner};

use super::tests::Noting;
use super::ui_tests::{play, running};
use super::{Editor, MOVING, theme};
use crate::classes::{Class, Unspill16};
use crate::live::Live;
use crate::params::UnspillParams;

/// Figures for people: `cargo test --release -p plugin --lib cost_tests -- --nocapture`.
#[test]
fn a_picture_of_sixteen_mics_takes_a_part_of_the_time_there_is() {
    const PICTURES: u32 = 100;
    let class = &Unspill16::DESC;
    let params = Arc::new(UnspillParams::new(class));
    let live = Arc::<Live>::default();
    let mut session = running(class, &live);
    let mut editor = Editor::new(&params, &live, None);
    editor.open(GuiContext::new(Arc::<Noting>::default() as Arc<dyn GuiContextInner>));
    let context = Context::default();
    theme::apply(&context);
    let (mut state, mut took) = (1_u32, Vec::new());
    for picture in 0..10 + PICTURES {
        for _ in 0..3 {
            play(&mut session, class, |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f32::from(u16::try_from(state >> 16).unwrap()) / 65_536.0 - 0.5
            });
        }
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, [1180.0, 760.0].into())),
            time: Some(f64::from(picture) * MOVING.as_secs_f64()),
            ..RawInput::default()
        };
        let since = Instant::now();
        let mut output = context.run_ui(input, |ui| editor.ui(ui));
        let meshes = context.tessellate(output.shapes, 1.0);
        let picture_took = since.elapsed();
        output.textures_delta.clear();
        // Fonts are laid out and mics are heard by then.
        if picture < 10 {
            continue;
        }
        took.push(picture_took);
        let vertices = meshes.iter().map(|mesh| match &mesh.primitive {
            Primitive::Mesh(mesh) => mesh.vertices.len(),
            Primitive::Callback(_) => 0,
        });
        assert!(vertices.sum::<usize>() > 10_000, "picture {picture} is empty");
    }
    // The median: other programs take their time, too.
    took.sort_unstable();
    let each_ms = 1000.0 * took[took.len() / 2].as_secs_f64();
    let there_is_ms = 1000.0 * MOVING.as_secs_f64();
    println!(
        "a picture of 16 mics: {each_ms:.2} ms, {:.1} % of one core at 30 pictures a second",
        100.0 * each_ms / there_is_ms
    );
    assert!(each_ms < 0.5 * there_is_ms, "{each_ms} ms");
}

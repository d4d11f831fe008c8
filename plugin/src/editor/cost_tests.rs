//! Measures the cost of a picture without painting.
#![allow(clippy::print_stdout, reason = "the figures are the purpose")]

use std::sync::Arc;
use std::time::Instant;

use egui::epaint::Primitive;
use egui::{Context, Pos2, RawInput, Rect};
use engine::Session;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use test_signals::Noise;

use super::tests::Noting;
use super::ui_tests::{play, running};
use super::{Editor, MOVING, theme};
use crate::classes::{Class, Unspill16};
use crate::live::Live;
use crate::params::UnspillParams;

/// Pictures until fonts are laid out and mics have a signal.
const WARM_UP: u32 = 10;

/// A window of sixteen mics with noise.
struct Window {
    session: Session,
    editor: Editor,
    context: Context,
    noise: Noise,
    num_pictures: u32,
}

impl Window {
    /// Creates the window and draws the warm-up pictures.
    fn new() -> Self {
        let class = &Unspill16::DESC;
        let params = Arc::new(UnspillParams::new(class));
        let live = Arc::<Live>::default();
        let session = running(class, &live);
        let mut editor = Editor::new(&params, &live, None);
        editor.open(GuiContext::new(Arc::<Noting>::default() as Arc<dyn GuiContextInner>));
        let context = Context::default();
        theme::apply(&context);
        let mut window = Self { session, editor, context, noise: Noise::new(1), num_pictures: 0 };
        for _ in 0..WARM_UP {
            window.play();
            window.picture();
        }
        window
    }

    fn play(&mut self) {
        for _ in 0..3 {
            play(&mut self.session, &Unspill16::DESC, |_| 0.5 * self.noise.draw());
        }
    }

    /// Runs a picture up to painting.
    fn picture(&mut self) {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, [1180.0, 760.0].into())),
            time: Some(f64::from(self.num_pictures) * MOVING.as_secs_f64()),
            ..RawInput::default()
        };
        self.num_pictures += 1;
        let mut output = self.context.run_ui(input, |ui| self.editor.ui(ui));
        let meshes = self.context.tessellate(output.shapes, 1.0);
        output.textures_delta.clear();
        let vertices = meshes.iter().map(|mesh| match &mesh.primitive {
            Primitive::Mesh(mesh) => mesh.vertices.len(),
            Primitive::Callback(_) => 0,
        });
        // The first pictures have no rows yet.
        let is_empty = vertices.sum::<usize>() <= 10_000;
        assert!(!is_empty || self.num_pictures <= WARM_UP, "picture {}", self.num_pictures);
    }
}

/// `cargo xtask guard` counts the instructions of the calls in this function.
#[inline(never)]
fn counted_work(work: &mut dyn FnMut()) {
    work();
}

#[test]
fn pictures_are_counted() {
    const PICTURES: u32 = 10;
    let mut window = Window::new();
    for _ in 0..PICTURES {
        window.play();
        counted_work(&mut || window.picture());
    }
    assert_eq!(window.num_pictures, WARM_UP + PICTURES);
    println!("{PICTURES} times, all processors");
}

/// To print the figures: `cargo test --release -p plugin --lib cost_tests -- --nocapture`.
#[test]
fn a_picture_of_sixteen_mics_takes_a_part_of_the_time_there_is() {
    let mut window = Window::new();
    let mut took: Vec<_> = (0..100)
        .map(|_| {
            window.play();
            let since = Instant::now();
            window.picture();
            since.elapsed()
        })
        .collect();
    // The median, because other programs take time, too.
    took.sort_unstable();
    let each_ms = 1000.0 * took[took.len() / 2].as_secs_f64();
    let there_is_ms = 1000.0 * MOVING.as_secs_f64();
    println!(
        "a picture of 16 mics: {each_ms:.2} ms, {:.1} % of one core at 30 pictures a second",
        100.0 * each_ms / there_is_ms
    );
    assert!(each_ms < 0.5 * there_is_ms, "{each_ms} ms");
}

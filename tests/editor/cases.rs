//! User actions in the editor and their expected effects.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use host::screen::{Picture, Screen};
use host::{Class, Format, Gesture, Requests};

use crate::player::Player;

/// Size of the editor before any resize, in points.
const SIZE: [u32; 2] = [1180, 760];
/// Centres of controls in the window of Unspill 8 with six mics, in points.
const REMOVED: [i16; 2] = [218, 23];

/// Longest wait for an expected change.
const PATIENCE: Duration = Duration::from_secs(20);

type Case = (&'static str, fn() -> Result<()>);

/// Runs the cases named by the arguments, or all: either those that count memory or the others.
pub(crate) fn run(counts_memory: bool) -> Result<()> {
    const OPENINGS: [Case; 1] = [("windows come and go", crate::openings::opened_and_closed)];
    const OTHERS: [Case; 6] = [
        ("the session is seen at 100 % and 200 %", seen),
        ("every view is seen at 100 % and 200 %", crate::views::seen),
        ("clicks and drags reach the host", pressed),
        ("names, links and places are changed", arranged),
        ("a closed window leaves no thread", closed),
        ("no window is larger than can be drawn", large),
    ];
    if std::env::args().any(|argument| argument == "--cost") {
        return if counts_memory { Ok(()) } else { crate::cost::measure() };
    }
    for (name, case) in if counts_memory { &OPENINGS[..] } else { &OTHERS } {
        let words = || std::env::args().skip(1).filter(|word| !word.starts_with('-'));
        if words().next().is_some() && !words().any(|word| name.contains(&word)) {
            continue;
        }
        let since = Instant::now();
        case().with_context(|| format!("{name}: failed"))?;
        println!("editor: {name} ... ok ({:.1} s)", since.elapsed().as_secs_f32());
    }
    Ok(())
}

pub(crate) fn pictures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/editor"))
}

fn small(size: [u32; 2]) -> Result<[u16; 2]> {
    Ok([u16::try_from(size[0])?, u16::try_from(size[1])?])
}

/// Opens a window and the editor in it.
pub(crate) fn open(player: &mut Player, scale: Option<f64>) -> Result<(Screen, [u16; 2])> {
    let factor = scale.unwrap_or(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "window sizes")]
    let scaled = SIZE.map(|length| (f64::from(length) * factor) as u32);
    let [width, height] = small(scaled)?;
    let screen = Screen::open(width, height)?;
    player.plugin.open_editor(screen.window(), scale)?;
    Ok((screen, [width, height]))
}

/// Plays until the editor has drawn itself and returns a picture of the window.
pub(crate) fn drawn(
    player: &mut Player,
    screen: &Screen,
    [width, height]: [u16; 2],
) -> Result<Picture> {
    let since = Instant::now();
    loop {
        player.play(0.2, true)?;
        let picture = screen.picture(width, height)?;
        if picture.num_colours() > 500 {
            return Ok(picture);
        }
        ensure!(since.elapsed() < PATIENCE, "the window stays empty");
    }
}

fn seen() -> Result<()> {
    for (scale, name, [before_s, watched_s]) in
        [(None, "session-1x.png", [12.0, 6.5]), (Some(2.0), "session-2x.png", [3.0, 2.0])]
    {
        let mut player = Player::new(Format::Clap, Class::Eight)?;
        player.play(before_s, false)?;
        let (screen, size) = open(&mut player, scale)?;
        drawn(&mut player, &screen, size)?;
        player.play(watched_s, true)?;
        if scale.is_none() {
            // A tooltip explains a cell of the matrix.
            screen.point(SNARE_IN_KICK[0], SNARE_IN_KICK[1])?;
            player.play(1.0, true)?;
        }
        let picture = screen.picture(size[0], size[1])?;
        picture.save(&pictures().join(name))?;
        // The matrix's cells are the only large amber areas besides reductions and the spectrum.
        let amber = |pixel: &&[u8; 3]| pixel[0] > 120 && pixel[0].saturating_sub(pixel[2]) > 60;
        let share =
            picture.pixels.iter().filter(amber).count() as f32 / picture.pixels.len() as f32;
        ensure!(share > 0.002, "{name}: no crosstalk is shown ({share})");
        player.plugin.close_editor()?;
    }
    Ok(())
}

fn pressed() -> Result<()> {
    for format in [Format::Clap, Format::Vst3] {
        let mut player = Player::new(format, Class::Eight)?;
        player.play(1.0, false)?;
        let (screen, size) = open(&mut player, None)?;
        drawn(&mut player, &screen, size)?;
        player.gestures.clear();

        screen.point(REMOVED[0], REMOVED[1])?;
        screen.click(1)?;
        let values = player.edits_of("Listen")?;
        ensure!(values.len() == 1, "{format}: one click is {values:?}");

        // Drags the first mic's amount from the middle of its bar to the left.
        let [x, y] = FIRST_AMOUNT;
        screen.drag([x, y], [x - 36, y])?;
        let values = player.edits_of("Kick Amount")?;
        let text = player.plugin.param_text(player.plugin.param("Kick Amount")?.id)?;
        // On a busy machine the editor may handle a whole drag in one picture.
        ensure!(!values.is_empty(), "{format}: a drag is {values:?}");
        ensure!(!text.starts_with("100.0"), "{format}: the amount stays at {text}");

        // A right-click restores the default.
        screen.click(3)?;
        player.edits_of("Kick Amount")?;
        let text = player.plugin.param_text(player.plugin.param("Kick Amount")?.id)?;
        ensure!(text.starts_with("100.0"), "{format}: reset to {text}");

        // Drags the matrix's cell for the snare (column) in the kick (row).
        let [x, y] = SNARE_IN_KICK;
        screen.drag([x, y], [x, y + 70])?;
        player.edits_of("Remove Snare from Kick")?;
        let name = if format == Format::Clap { "pressed-clap.png" } else { "pressed-vst3.png" };
        screen.picture(size[0], size[1])?.save(&pictures().join(name))?;
        let text = player.plugin.param_text(player.plugin.param("Remove Snare from Kick")?.id)?;
        let percent: f32 = text.trim_end_matches([' ', '%']).parse()?;
        ensure!((30.0..70.0).contains(&percent), "{format}: half the way is {text}");

        // Undo restores the old value.
        let [x, y] = UNDO;
        screen.point(x, y)?;
        screen.click(1)?;
        let values = player.edits_of("Remove Snare from Kick")?;
        ensure!(values.len() == 1, "{format}: one undo is {values:?}");

        // Learn also selects the learned estimates; a second press ends it.
        let [x, y] = LEARN;
        screen.point(x, y)?;
        screen.click(1)?;
        player.play(2.0, true)?;
        player.gestures.clear();
        let name = if format == Format::Clap { "learning-clap.png" } else { "learning-vst3.png" };
        screen.picture(size[0], size[1])?.save(&pictures().join(name))?;
        for (name, expected) in [("Learn", "On"), ("Bleed Map", "Locked")] {
            let text = player.plugin.param_text(player.plugin.param(name)?.id)?;
            ensure!(text == expected, "{format}: {name} is {text}");
        }
        screen.click(1)?;
        let values = player.edits_of("Learn")?;
        ensure!(values == [0.0], "{format}: Learn ends with {values:?}");

        // A second, unwanted passage: one undo restores the first.
        let first =
            field(&player.plugin.save_state()?, "learned").context("nothing was learned")?;
        screen.click(1)?;
        player.play(2.0, true)?;
        screen.click(1)?;
        player.play(0.5, true)?;
        let second = field(&player.plugin.save_state()?, "learned");
        ensure!(second.is_some_and(|second| second != first), "{format}: nothing new was learned");
        let [x, y] = UNDO;
        screen.point(x, y)?;
        screen.click(1)?;
        player.play(0.5, true)?;
        let back = field(&player.plugin.save_state()?, "learned");
        ensure!(
            back.as_ref() == Some(&first),
            "{format}: undo did not bring back what was learned"
        );
        player.plugin.close_editor()?;
    }
    Ok(())
}

/// Checks that no thread is left: a host may quit or unload the plugin once the window is closed.
fn closed() -> Result<()> {
    for format in [Format::Clap, Format::Vst3] {
        let mut player = Player::new(format, Class::Eight)?;
        player.play(0.1, false)?;
        let before = threads()?;
        for _ in 0..5 {
            let (screen, size) = open(&mut player, None)?;
            drawn(&mut player, &screen, size)?;
            player.plugin.close_editor()?;
            let left = threads()?;
            ensure!(left.len() <= before.len(), "{format}: {before:?} have become {left:?}");
            drop(screen);
        }
    }
    Ok(())
}

/// Checks the limit of the window size: OpenGL drivers crash or run out of memory in windows of
/// 65535 pixels, X11's maximum.
fn large() -> Result<()> {
    const MOST: u32 = 8192;
    for format in [Format::Clap, Format::Vst3] {
        let mut player = Player::new(format, Class::Eight)?;
        let (screen, size) = open(&mut player, None)?;
        drawn(&mut player, &screen, size)?;
        for wanted in [[65_535, 65_535], [100_000, 700], [1180, MOST + 1]] {
            let is_taken = player.plugin.force_editor_size(wanted)?;
            ensure!(!is_taken, "{format}: {wanted:?} is taken");
            let taken = player.plugin.resize_editor(wanted)?;
            ensure!(
                taken.iter().all(|&side| side <= MOST),
                "{format}: {wanted:?} became {taken:?}"
            );
            ensure!(player.plugin.force_editor_size(SIZE)?, "{format}: {SIZE:?} is refused");
        }
        drawn(&mut player, &screen, size)?;
        player.plugin.close_editor()?;
        for scale in [1e9, 0.0, f64::INFINITY] {
            let is_open = player.plugin.open_editor(screen.window(), Some(scale)).is_ok();
            ensure!(!is_open, "{format}: a scale of {scale} is taken");
            player = Player::new(format, Class::Eight)?;
        }
    }
    Ok(())
}

/// Returns the names of the process's threads.
fn threads() -> Result<Vec<String>> {
    let tasks = std::fs::read_dir("/proc/self/task")?.flatten();
    // A thread that has just ended has no name.
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    Ok(names.map(|name| name.trim().to_owned()).collect())
}

/// Centre of the first mic's amount.
const FIRST_AMOUNT: [i16; 2] = [480, 183];
/// Second cell of the first row.
const SNARE_IN_KICK: [i16; 2] = [790, 183];
const LEARN: [i16; 2] = [280, 55];
const UNDO: [i16; 2] = [1078, 55];

/// Centres of the first two mics' names, and of the drag handle of the last row.
const FIRST_NAME: [i16; 2] = [76, 183];
const SECOND_NAME: [i16; 2] = [76, 233];
const LAST_GRIP: [i16; 2] = [20, 433];
/// X11 key symbols.
const CONTROL: u32 = 0xffe3;
const RETURN: u32 = 0xff0d;

fn arranged() -> Result<()> {
    for format in [Format::Clap, Format::Vst3] {
        let mut player = Player::new(format, Class::Eight)?;
        player.play(1.0, false)?;
        let (screen, size) = open(&mut player, None)?;
        drawn(&mut player, &screen, size)?;

        // A mic's own name changes the parameter names that hosts display.
        screen.point(FIRST_NAME[0], FIRST_NAME[1])?;
        screen.click(1)?;
        screen.click(1)?;
        player.play(0.3, true)?;
        player.plugin.take_requests();
        for letter in "k2".bytes() {
            screen.key(u32::from(letter))?;
        }
        screen.key(RETURN)?;
        let told = told_while_stopped(&mut player)?;
        ensure!(told.params_changed, "{format}: the host hears of no new names: {told:?}");
        player.plugin.param("k2 Amount")?;

        // Moving the last row to the top changes no parameter. Playback makes the editor draw often
        // enough to follow a pointer that is much faster than a hand.
        player.play(0.5, true)?;
        screen.drag(LAST_GRIP, [LAST_GRIP[0], 164])?;
        let told = told_while_stopped(&mut player)?;
        ensure!(!told.params_changed, "{format}: no name has changed: {told:?}");
        ensure!(player.gestures.is_empty(), "{format}: {:?}", player.gestures);
        let saved = player.plugin.save_state()?;
        let order = field(&saved, "order").context("no order is saved")?;
        ensure!(order.starts_with("[6,1,2,3,4,5"), "{format}: the order is {order}");

        // With the first two rows linked, one drag moves both in one gesture. A click applies to
        // the rows as last drawn, so the new order must be drawn first.
        screen.point(FIRST_NAME[0], FIRST_NAME[1])?;
        player.play(0.5, true)?;
        screen.click(1)?;
        player.play(0.5, true)?;
        screen.point(SECOND_NAME[0], SECOND_NAME[1])?;
        screen.holding(CONTROL, || {
            // Each wait lets a busy machine draw a picture while the key is held.
            player.play(0.3, true)?;
            screen.click(1)?;
            player.play(0.3, true)?;
            screen.key(u32::from(b'l'))?;
            player.play(0.3, true)
        })?;
        ensure!(player.gestures.is_empty(), "{format}: {:?}", player.gestures);
        let [x, y] = FIRST_AMOUNT;
        screen.drag([x, y], [x - 36, y])?;
        player.play(0.3, true)?;
        let name = if format == Format::Clap { "arranged-clap.png" } else { "arranged-vst3.png" };
        screen.picture(size[0], size[1])?.save(&pictures().join(name))?;
        let both = ["Woodwind Amount", "k2 Amount"].map(|name| player.plugin.param(name));
        let [woodwind, kick] = both;
        let both = [woodwind?.id, kick?.id];
        let gestures = std::mem::take(&mut player.gestures);
        let held = gestures.iter().position(|one| !matches!(one, Gesture::Begin(_)));
        let let_go = gestures.iter().position(|one| matches!(one, Gesture::End(_)));
        ensure!(held == Some(2), "{format}: not begun together: {gestures:?}");
        ensure!(let_go == Some(gestures.len() - 2), "{format}: not ended together: {gestures:?}");
        for id in both {
            let text = player.plugin.param_text(id)?;
            let percent: f32 = text.trim_end_matches([' ', '%']).parse()?;
            ensure!((40.0..60.0).contains(&percent), "{format}: half the way is {text}");
        }
        player.plugin.close_editor()?;
    }
    Ok(())
}

/// Collects the plugin's requests while playback is stopped, until one reports a changed state.
fn told_while_stopped(player: &mut Player) -> Result<Requests> {
    let since = Instant::now();
    let mut told = Requests::default();
    while !told.state_dirty {
        ensure!(
            since.elapsed() < PATIENCE,
            "the host does not hear that there is something to save"
        );
        std::thread::sleep(Duration::from_millis(20));
        player.plugin.idle();
        let new = player.plugin.take_requests();
        told.params_changed |= new.params_changed;
        told.state_dirty |= new.state_dirty;
    }
    Ok(told)
}

/// Returns a value in a saved state, up to the end of its list or text.
fn field(state: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(state).replace('\\', "");
    let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
    let end = rest.find(['"', ']', '}']).filter(|&end| end > 0);
    let end = end.or_else(|| rest[1..].find('"').map(|end| end + 1))?;
    Some(rest[..end].trim_start_matches('"').to_owned())
}

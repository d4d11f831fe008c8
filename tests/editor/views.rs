//! Pictures of every view for visual inspection; each is checked to be non-empty.

use anyhow::{Result, ensure};
use host::screen::Screen;
use host::{Class, Format};

use crate::cases::{drawn, open, pictures};
use crate::player::{Player, SIXTEEN};

/// X11 key symbols.
const CONTROL: u32 = 0xffe3;
const ESCAPE: u32 = 0xff1b;

/// The editor at a scale; positions are in points.
struct View {
    player: Player,
    screen: Screen,
    size: [u16; 2],
    scale: i16,
}

impl View {
    fn new(mut player: Player, scale: i16, played_s: f32) -> Result<Self> {
        player.play(played_s, false)?;
        let factor = (scale != 1).then(|| f64::from(scale));
        let (screen, size) = open(&mut player, factor)?;
        drawn(&mut player, &screen, size)?;
        player.play(0.6, true)?;
        Ok(Self { player, screen, size, scale })
    }

    fn point(&mut self, [x, y]: [i16; 2]) -> Result<()> {
        self.screen.point(x * self.scale, y * self.scale)
    }

    fn click(&mut self, at: [i16; 2], button: u8) -> Result<()> {
        self.point(at)?;
        self.screen.click(button)?;
        self.player.play(0.4, true)
    }

    /// Saves a picture of the window; fails if it is nearly empty.
    fn save(&mut self, name: &str) -> Result<()> {
        let picture = self.screen.picture(self.size[0], self.size[1])?;
        let name = format!("{name}-{}x.png", self.scale);
        picture.save(&pictures().join(&name))?;
        ensure!(picture.num_colours() > 200, "{name} is empty");
        Ok(())
    }

    /// Clicks to open something, saves a picture of it, and closes it. It covers the part `covered`
    /// of the window, in which nothing moves: left, top, right and bottom in points from the click.
    fn save_open(&mut self, at: [i16; 2], button: u8, name: &str, covered: [i16; 4]) -> Result<()> {
        let before = self.screen.picture(self.size[0], self.size[1])?;
        self.click(at, button)?;
        let after = self.screen.picture(self.size[0], self.size[1])?;
        self.save(name)?;
        let [left, top, right, bottom] = covered;
        let (mut changed, mut all) = (0, 0);
        for y in (at[1] + top) * self.scale..(at[1] + bottom) * self.scale {
            for x in (at[0] + left) * self.scale..(at[0] + right) * self.scale {
                let place = usize::try_from(y)? * usize::from(self.size[0]) + usize::try_from(x)?;
                changed += usize::from(before.pixels[place] != after.pixels[place]);
                all += 1;
            }
        }
        ensure!(2 * changed > all, "{name}: nothing opens ({changed} of {all})");
        self.screen.key(ESCAPE)?;
        self.click(BESIDE, 1)
    }

    fn close(mut self) -> Result<()> {
        self.player.plugin.close_editor()
    }
}

/// Centres of controls in the window of Unspill 8 with six mics, in points.
const BESIDE: [i16; 2] = [1100, 450];
const SECOND_ICON: [i16; 2] = [38, 233];
const SECOND_NAME: [i16; 2] = [76, 233];
const THIRD_NAME: [i16; 2] = [76, 283];
const SECOND_ROLE: [i16; 2] = [175, 233];
const SECOND_GROUP: [i16; 2] = [225, 233];
const PRESETS: [i16; 2] = [868, 55];
const SCALE: [i16; 2] = [1148, 745];

/// Returns a player with twelve mics, labelled and grouped like those of a drum kit.
fn drum_kit() -> Result<Player> {
    const MICS: [(&str, &str, &str); 12] = [
        ("Kick", "A", "Close"),
        ("Kick", "A", "Close"),
        ("Snare", "B", "Close"),
        ("Snare", "B", "Close"),
        ("Hi-hat", "None", "Close"),
        ("Tom", "None", "Close"),
        ("Tom", "None", "Close"),
        ("Ride", "None", "Close"),
        ("Overhead", "C", "Room"),
        ("Overhead", "C", "Room"),
        ("Room", "D", "Room"),
        ("Room", "D", "Room"),
    ];
    let mut player =
        Player::with_mics(Format::Clap, Class::Sixteen, &MICS.map(|(label, ..)| Some(label)))?;
    for (number, (label, group, role)) in (1..).zip(MICS) {
        let before = MICS[..number].iter().filter(|(other, ..)| *other == label).count();
        let is_one = MICS.iter().filter(|(other, ..)| *other == label).count() == 1;
        let name = if is_one { label.to_owned() } else { format!("{label} {before}") };
        for (what, text) in [("Group", group), ("Role", role)] {
            let id = player.plugin.param(&format!("{name} {what}"))?.id;
            player.plugin.set_param_text(id, text)?;
        }
    }
    Ok(player)
}

pub(crate) fn seen() -> Result<()> {
    for scale in [1, 2] {
        let sixteen = Player::with_mics(Format::Clap, Class::Sixteen, &SIXTEEN.map(Some))?;
        let mut view = View::new(sixteen, scale, 3.0)?;
        view.save("sixteen")?;
        view.close()?;

        let mut view = View::new(drum_kit()?, scale, 6.0)?;
        view.save("drum-kit")?;
        view.close()?;

        let labels = ["Snare", "Kick", "Hi-hat", "Tom", "Bass"].map(Some);
        let track = Player::with_mics(Format::Clap, Class::Track, &labels)?;
        let mut view = View::new(track, scale, 3.0)?;
        view.save("track")?;
        view.close()?;

        for (class, format, name) in
            [(Class::Eight, Format::Clap, "one-mic"), (Class::Track, Format::Vst3, "one-mic-track")]
        {
            let one = Player::with_mics(format, class, &[None])?;
            let mut view = View::new(one, scale, 1.0)?;
            view.save(name)?;
            view.close()?;
        }

        let mut view = View::new(Player::new(Format::Clap, Class::Eight)?, scale, 2.0)?;
        const BELOW: [i16; 4] = [0, 18, 14, 30];
        const ABOVE: [i16; 4] = [-10, -22, 10, -18];
        for (at, button, name, covered) in [
            (SECOND_ICON, 1, "instruments", BELOW),
            (SECOND_NAME, 3, "strip-menu", BELOW),
            (SECOND_ROLE, 1, "roles", BELOW),
            (SECOND_GROUP, 1, "groups", BELOW),
            (PRESETS, 1, "presets", BELOW),
            (SCALE, 1, "scales", ABOVE),
        ] {
            view.save_open(at, button, name, covered)?;
        }
        view.click(SECOND_NAME, 1)?;
        let (screen, player) = (&view.screen, &mut view.player);
        screen.point(THIRD_NAME[0] * scale, THIRD_NAME[1] * scale)?;
        screen.holding(CONTROL, || {
            player.play(0.3, true)?;
            screen.click(1)?;
            player.play(0.3, true)?;
            screen.key(u32::from(b'l'))?;
            player.play(0.3, true)
        })?;
        view.player.play(0.5, true)?;
        view.point(THIRD_NAME)?;
        view.screen.click(1)?;
        view.screen.click(1)?;
        view.player.play(0.5, true)?;
        view.save("linked-and-renamed")?;
        view.close()?;
    }
    Ok(())
}

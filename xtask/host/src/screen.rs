//! A virtual screen: an X server with a window for a plugin's editor, real events from a pointer
//! and a keyboard, and pictures of the screen.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConfigureWindowAux, ConnectionExt as _,
    CreateWindowAux, ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, Window,
    WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// Size in pixels, larger than any window in the tests.
const SIZE: [u16; 2] = [2800, 2000];
/// Pause between two events of one action, so that a program handles each of them.
const BETWEEN: Duration = Duration::from_millis(25);

/// An X server without a display, stopped on drop.
#[derive(Debug)]
pub struct Server {
    process: Child,
    display: String,
}

impl Server {
    /// Starts a server on a free display.
    ///
    /// # Errors
    ///
    /// If `Xvfb` cannot be started (Debian and Ubuntu: `apt-get install -y xvfb`).
    pub fn start() -> Result<Self> {
        let mut process = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0"])
            .arg(format!("{}x{}x24", SIZE[0], SIZE[1]))
            .args(["-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start Xvfb (Debian and Ubuntu: apt-get install -y xvfb)")?;
        let mut number = String::new();
        let output = process.stdout.take().context("Xvfb has no output")?;
        BufReader::new(output).read_line(&mut number)?;
        let display = format!(":{}", number.trim());
        ensure!(display.len() > 1, "Xvfb did not start");
        Ok(Self { process, display })
    }

    /// Returns the value of `DISPLAY` for programs on this screen.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server holds nothing that must be saved.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection to a screen, with one window on it.
#[derive(Debug)]
pub struct Screen {
    connection: RustConnection,
    root: Window,
    window: Window,
}

impl Screen {
    /// Opens a window in the upper left corner of the screen given by `DISPLAY`.
    ///
    /// # Errors
    ///
    /// If there is no such screen.
    pub fn open(width: u16, height: u16) -> Result<Self> {
        let (connection, number) =
            x11rb::connect(None).context("cannot connect to the X server")?;
        let screen = &connection.setup().roots[number];
        let (root, depth, visual) = (screen.root, screen.root_depth, screen.root_visual);
        let window = connection.generate_id()?;
        let looks = CreateWindowAux::new().background_pixel(0).override_redirect(1);
        connection.create_window(
            depth,
            window,
            root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            visual,
            &looks,
        )?;
        connection.map_window(window)?.check()?;
        Ok(Self { connection, root, window })
    }

    /// Returns the window's number, in which an editor can be opened.
    #[must_use]
    pub fn window(&self) -> u32 {
        self.window
    }

    /// Resizes the window.
    ///
    /// # Errors
    ///
    /// If the screen is gone.
    pub fn resize(&self, width: u16, height: u16) -> Result<()> {
        let size = ConfigureWindowAux::new().width(u32::from(width)).height(u32::from(height));
        self.connection.configure_window(self.window, &size)?.check()?;
        Ok(())
    }

    fn event(&self, kind: u8, detail: u8, x: i16, y: i16) -> Result<()> {
        let root = if kind == MOTION_NOTIFY_EVENT { self.root } else { x11rb::NONE };
        self.connection.xtest_fake_input(kind, detail, 0, root, x, y, 0)?.check()?;
        std::thread::sleep(BETWEEN);
        Ok(())
    }

    /// Moves the pointer, in pixels from the window's upper left corner.
    ///
    /// # Errors
    ///
    /// If the screen is gone.
    pub fn point(&self, x: i16, y: i16) -> Result<()> {
        self.event(MOTION_NOTIFY_EVENT, 0, x, y)
    }

    /// Clicks at the pointer's position: 1 is the left button, 3 the right one.
    ///
    /// # Errors
    ///
    /// If the screen is gone.
    pub fn click(&self, button: u8) -> Result<()> {
        self.event(BUTTON_PRESS_EVENT, button, 0, 0)?;
        self.event(BUTTON_RELEASE_EVENT, button, 0, 0)
    }

    /// Drags with the left button, in a few steps.
    ///
    /// # Errors
    ///
    /// If the screen is gone.
    pub fn drag(&self, from: [i16; 2], to: [i16; 2]) -> Result<()> {
        const STEPS: i16 = 6;
        self.point(from[0], from[1])?;
        self.event(BUTTON_PRESS_EVENT, 1, 0, 0)?;
        // As slow as a hand, so that a busy machine draws a picture before the pointer moves on.
        std::thread::sleep(12 * BETWEEN);
        for step in 1..=STEPS {
            let at = |axis: usize| from[axis] + (to[axis] - from[axis]) * step / STEPS;
            self.point(at(0), at(1))?;
            std::thread::sleep(BETWEEN);
        }
        std::thread::sleep(4 * BETWEEN);
        self.event(BUTTON_RELEASE_EVENT, 1, 0, 0)
    }

    /// Presses and releases the key with this X11 key symbol.
    ///
    /// # Errors
    ///
    /// If the screen is gone or its keyboard has no such key.
    pub fn key(&self, symbol: u32) -> Result<()> {
        let code = self.code(symbol)?;
        self.event(KEY_PRESS_EVENT, code, 0, 0)?;
        self.event(KEY_RELEASE_EVENT, code, 0, 0)
    }

    fn code(&self, symbol: u32) -> Result<u8> {
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let per_key = usize::from(map.keysyms_per_keycode);
        let mut keys = map.keysyms.chunks(per_key).zip(first..=last);
        let found = keys.find(|(symbols, _)| symbols.first() == Some(&symbol));
        let (_, code) = found.with_context(|| format!("no key for symbol {symbol:#x}"))?;
        Ok(code)
    }

    /// Holds a key down while `meanwhile` runs.
    ///
    /// # Errors
    ///
    /// The same as [`Screen::key`], and the errors of `meanwhile`; the key is released in any case.
    pub fn holding(&self, symbol: u32, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
        let code = self.code(symbol)?;
        self.event(KEY_PRESS_EVENT, code, 0, 0)?;
        let done = meanwhile();
        self.event(KEY_RELEASE_EVENT, code, 0, 0)?;
        done
    }

    /// Takes a picture of the upper left corner of the screen.
    ///
    /// # Errors
    ///
    /// If the screen is gone or smaller.
    pub fn picture(&self, width: u16, height: u16) -> Result<Picture> {
        let format = ImageFormat::Z_PIXMAP;
        let reply = self
            .connection
            .get_image(format, self.root, 0, 0, width, height, u32::MAX)?
            .reply()
            .context("cannot take a picture of the screen")?;
        let pixels = reply.data.chunks_exact(4).map(|pixel| [pixel[2], pixel[1], pixel[0]]);
        Ok(Picture { width, height, pixels: pixels.collect() })
    }
}

/// A picture of a part of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Red, green and blue, row by row.
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Returns the number of different colours.
    #[must_use]
    pub fn num_colours(&self) -> usize {
        self.pixels.iter().collect::<std::collections::HashSet<_>>().len()
    }

    /// Writes the picture as a PNG file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let (width, height) = (u32::from(self.width), u32::from(self.height));
        let mut encoder = png::Encoder::new(BufWriter::new(file), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(())
    }
}

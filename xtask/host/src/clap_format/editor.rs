//! The editor of a CLAP plugin, in an X11 window of ours.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap_sys::ext::gui::{
    CLAP_EXT_GUI, CLAP_WINDOW_API_X11, clap_plugin_gui, clap_window, clap_window_handle,
};

use super::instance::{ClapInstance, call};
use super::required;

/// A few pictures of a screen.
const BEFORE_SHOWN: Duration = Duration::from_millis(80);

impl ClapInstance {
    fn gui(&self) -> Result<&clap_plugin_gui> {
        // SAFETY: id and type belong together.
        unsafe { self.extension(CLAP_EXT_GUI) }
    }

    /// Opens the editor inside a window and returns its size in pixels.
    pub(super) fn open_gui(&mut self, window: u32, scale: Option<f64>) -> Result<[u32; 2]> {
        let gui = self.gui()?;
        let api = CLAP_WINDOW_API_X11.as_ptr();
        ensure!(call!(self, gui, is_api_supported, api, false), "it knows no X11 windows");
        ensure!(call!(self, gui, create, api, false), "it creates no editor");
        if let Some(scale) = scale
            && !call!(self, gui, set_scale, scale)
        {
            bail!("it refuses a scale of {scale}");
        }
        let size = self.gui_size()?;
        let gui = self.gui()?;
        let parent = clap_window {
            api,
            specific: clap_window_handle { x11: std::ffi::c_ulong::from(window) },
        };
        ensure!(call!(self, gui, set_parent, &raw const parent), "it does not open in our window");
        // Hosts take their time between the two, and an editor that wants to draw meanwhile must wait.
        std::thread::sleep(BEFORE_SHOWN);
        ensure!(call!(self, gui, show), "it does not show its editor");
        self.editor_is_open = true;
        Ok(size)
    }

    pub(super) fn gui_size(&self) -> Result<[u32; 2]> {
        let gui = self.gui()?;
        let (mut width, mut height) = (0, 0);
        ensure!(call!(self, gui, get_size, &raw mut width, &raw mut height), "it has no size");
        Ok([width, height])
    }

    /// Asks for a size and returns the one it takes.
    pub(super) fn resize_gui(&mut self, [mut width, mut height]: [u32; 2]) -> Result<[u32; 2]> {
        let gui = self.gui()?;
        ensure!(call!(self, gui, can_resize), "it cannot be resized");
        let adjusted = call!(self, gui, adjust_size, &raw mut width, &raw mut height);
        ensure!(adjusted, "it adjusts no size");
        ensure!(call!(self, gui, set_size, width, height), "it refuses {width} x {height}");
        Ok([width, height])
    }

    pub(super) fn close_gui(&mut self) -> Result<()> {
        let gui = self.gui()?;
        call!(self, gui, hide);
        call!(self, gui, destroy);
        self.editor_is_open = false;
        Ok(())
    }
}

//! The editor of a CLAP plugin in an X11 window of the host.

use std::ptr::NonNull;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap_sys::ext::gui::{
    CLAP_EXT_GUI, CLAP_WINDOW_API_X11, clap_plugin_gui, clap_window, clap_window_handle,
};
use clap_sys::plugin::clap_plugin;

use super::call::call;
use super::required;

/// Wait before the editor is shown: the time of a few pictures.
const BEFORE_SHOWN: Duration = Duration::from_millis(80);

/// The GUI extension of a live plugin.
pub(super) struct Gui {
    plugin: NonNull<clap_plugin>,
    table: clap_plugin_gui,
}

impl Gui {
    /// Returns the GUI extension of a plugin.
    ///
    /// # Safety
    ///
    /// The plugin must outlive the last use of the result.
    pub(super) unsafe fn of(plugin: NonNull<clap_plugin>) -> Result<Self> {
        // SAFETY: the caller guarantees that the plugin is alive.
        let get = required(unsafe { plugin.as_ref() }.get_extension, "get_extension")?;
        // SAFETY: as above; id and type belong together, and the table lives as long as the plugin.
        let table = unsafe {
            get(plugin.as_ptr(), CLAP_EXT_GUI.as_ptr()).cast::<clap_plugin_gui>().as_ref()
        };
        let table = table.context("no extension clap.gui")?;
        Ok(Self { plugin, table: *table })
    }

    /// Opens the editor in a window and returns its size in pixels.
    pub(super) fn open(&self, window: u32, scale: Option<f64>) -> Result<[u32; 2]> {
        let api = CLAP_WINDOW_API_X11.as_ptr();
        ensure!(
            call!(self, self.table, is_api_supported, api, false),
            "X11 windows are not supported"
        );
        ensure!(call!(self, self.table, create, api, false), "the editor was not created");
        if let Some(scale) = scale
            && !call!(self, self.table, set_scale, scale)
        {
            bail!("scale {scale} was rejected");
        }
        let size = self.size()?;
        let parent = clap_window {
            api,
            specific: clap_window_handle { x11: std::ffi::c_ulong::from(window) },
        };
        let is_opened = call!(self, self.table, set_parent, &raw const parent);
        ensure!(is_opened, "the window was rejected");
        // Real hosts also pause here; an editor must not draw before it is shown.
        std::thread::sleep(BEFORE_SHOWN);
        ensure!(call!(self, self.table, show), "the editor was not shown");
        Ok(size)
    }

    fn size(&self) -> Result<[u32; 2]> {
        let (mut width, mut height) = (0, 0);
        let has_size = call!(self, self.table, get_size, &raw mut width, &raw mut height);
        ensure!(has_size, "the editor has no size");
        Ok([width, height])
    }

    /// Sets a size without a previous request; returns true if the plugin accepts it.
    pub(super) fn force_size(&self, [width, height]: [u32; 2]) -> Result<bool> {
        Ok(call!(self, self.table, set_size, width, height))
    }

    /// Sets a scale in the open editor; returns true if the plugin accepts it.
    pub(super) fn set_scale(&self, scale: f64) -> Result<bool> {
        Ok(call!(self, self.table, set_scale, scale))
    }

    /// Requests a size and returns the size that the plugin adjusts it to.
    pub(super) fn resize(&self, [mut width, mut height]: [u32; 2]) -> Result<[u32; 2]> {
        ensure!(call!(self, self.table, can_resize), "the editor cannot be resized");
        let adjusted = call!(self, self.table, adjust_size, &raw mut width, &raw mut height);
        ensure!(adjusted, "the size was not adjusted");
        let is_taken = call!(self, self.table, set_size, width, height);
        ensure!(is_taken, "size {width} x {height} was rejected");
        Ok([width, height])
    }

    pub(super) fn close(&self) -> Result<()> {
        call!(self, self.table, hide);
        call!(self, self.table, destroy);
        Ok(())
    }
}

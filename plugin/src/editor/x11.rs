//! Support for X11 windows that are shown late.
//!
//! baseview 0.4.2 receives the X server's completions of its Present requests only from when a
//! window is shown. An earlier request is never completed for baseview, and it makes no further
//! request until then. If a host takes longer than one picture between creation and showing (two
//! calls in CLAP), the window would stay empty. The plugin therefore selects these events from
//! the beginning.
#![allow(unsafe_code, reason = "the connection to the X server comes as a pointer")]

use std::error::Error;

use nice_plug_egui::baseview::WindowContext;
use raw_window_handle::{HasDisplayHandle, HasWindowHandle, RawDisplayHandle, RawWindowHandle};
use x11rb::connection::Connection;
use x11rb::protocol::present::{ConnectionExt, EventMask};
use x11rb::xcb_ffi::XCBConnection;

/// Makes the X server send completions for a window that is not shown yet.
///
/// # Errors
///
/// If the window is not an X11 window, or the X server has no Present extension. baseview then
/// draws by a timer.
pub(super) fn listen(window: &WindowContext) -> Result<(), Box<dyn Error>> {
    let handle = window.platform_handle();
    let Ok(RawWindowHandle::Xcb(window)) = handle.window_handle().map(|it| it.as_raw()) else {
        return Err("not an X11 window".into());
    };
    let Ok(RawDisplayHandle::Xcb(display)) = handle.display_handle().map(|it| it.as_raw()) else {
        return Err("not an X11 display".into());
    };
    let pointer = display.connection.ok_or("no connection")?.as_ptr();
    // SAFETY: the window's own connection, which `handle` keeps open for longer than this one is
    // used. It is not closed here.
    let connection = unsafe { XCBConnection::from_raw_xcb_connection(pointer, false) }?;
    let id = connection.generate_id()?;
    connection
        .present_select_input(id, window.window.get(), EventMask::COMPLETE_NOTIFY)?
        .check()?;
    Ok(())
}

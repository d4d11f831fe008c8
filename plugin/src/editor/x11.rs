//! Windows on X11 that are shown late.
//!
//! baseview 0.4.2 listens to what the X server answers to its Present requests only from when a window is shown. A request from before is
//! never heard of again, and no further one is made until it is: where a host takes more than a picture's time between creating and showing
//! (two calls in CLAP), the window would stay empty. So it is listened to from the beginning.
#![allow(unsafe_code, reason = "the connection to the X server comes as a pointer")]

use std::error::Error;

use nice_plug_egui::baseview::WindowContext;
use raw_window_handle::{HasDisplayHandle, HasWindowHandle, RawDisplayHandle, RawWindowHandle};
use x11rb::connection::Connection;
use x11rb::protocol::present::{ConnectionExt, EventMask};
use x11rb::xcb_ffi::XCBConnection;

/// Has the X server answer a window that is not shown yet.
///
/// # Errors
///
/// When the window is none of X11's, or the X server has no Present extension; baseview then draws by a timer.
pub(super) fn listen(window: &WindowContext) -> Result<(), Box<dyn Error>> {
    let handle = window.platform_handle();
    let Ok(RawWindowHandle::Xcb(window)) = handle.window_handle().map(|it| it.as_raw()) else {
        return Err("not an X11 window".into());
    };
    let Ok(RawDisplayHandle::Xcb(display)) = handle.display_handle().map(|it| it.as_raw()) else {
        return Err("not an X11 display".into());
    };
    let pointer = display.connection.ok_or("no connection")?.as_ptr();
    // SAFETY: the window's own connection, which `handle` keeps open for longer than this one is used; it is not closed here.
    let connection = unsafe { XCBConnection::from_raw_xcb_connection(pointer, false) }?;
    let id = connection.generate_id()?;
    connection
        .present_select_input(id, window.window.get(), EventMask::COMPLETE_NOTIFY)?
        .check()?;
    Ok(())
}

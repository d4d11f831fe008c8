//! Hosts that call the plugin back during its calls, as Ardour does with every edit.

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap_sys::ext::gui::{
    CLAP_EXT_GUI, CLAP_WINDOW_API_COCOA, CLAP_WINDOW_API_WIN32, CLAP_WINDOW_API_X11,
    clap_plugin_gui,
};
use plugin::guard::param_id_hash;
use vst3::ComWrapper;
use vst3::Steinberg::{IPlugViewTrait, kPlatformTypeX11EmbedWindowID, kResultOk};

use super::case::{Format, expect};
use super::clap_host::ClapHost;
use super::frame::{Frame, set_frame, view_of};
use super::host::{Host, SetUp, TestBus};
use super::probe_editor::Hand;
use super::probes::{Probe, Sym};
use super::vst3_host::Vst3Host;

/// Performs one complete gesture.
fn move_to(hand: &Hand, value: f32) {
    hand.begin();
    hand.set(value);
    hand.end();
}

fn count(edits: &[AtomicUsize; 3]) -> [usize; 3] {
    [0, 1, 2].map(|place: usize| edits[place].load(Ordering::SeqCst))
}

/// Checks that edits in a window reach a host that calls back, on the main thread and on the
/// window's own.
pub fn edits(format: Format, guarded: bool) -> Result<(), String> {
    match format {
        Format::Clap => edits_in_clap(guarded),
        Format::Vst3 => edits_in_vst3(guarded),
    }
}

fn edits_in_vst3(guarded: bool) -> Result<(), String> {
    let host = Vst3Host::of::<Probe<Sym>>(guarded);
    let host = if guarded { host } else { host.call_back() };
    let view = view_of(&host);
    let frame = ComWrapper::new(Frame::default());
    *frame.handler.borrow_mut() = Some(host.handler.clone());
    expect("frame", set_frame(&view, Some(&frame)), kResultOk)?;
    // SAFETY: the probe opens no real window.
    let opened = unsafe {
        view.attached(std::ptr::without_provenance_mut(1), kPlatformTypeX11EmbedWindowID)
    };
    expect("opened", opened, kResultOk)?;
    let hand = Hand::of_window().unwrap();
    let label = param_id_hash("label");

    move_to(&hand, 1.0);
    expect("edits on the main thread", count(&host.handler.edits), [1, 1, 1])?;
    expect("value", host.param(label), 1.0)?;
    expect("names", host.notices().0, 1)?;

    let elsewhere = hand.clone();
    std::thread::spawn(move || move_to(&elsewhere, 0.0)).join().unwrap();
    frame.run();
    expect("edits on the window's thread", count(&host.handler.edits), [2, 2, 2])?;
    expect("value", host.param(label), 0.0)?;
    expect("names", host.notices().0, 2)?;

    hand.resize();
    frame.run();
    expect("resizes", frame.resizes.get(), 1)?;

    // A window that closes ends its gesture.
    hand.begin();
    // SAFETY: an open window.
    expect("closed", unsafe { view.removed() }, kResultOk)?;
    frame.run();
    expect("edits at the end", count(&host.handler.edits), [3, 2, 3])
}

/// Returns the system's kind of windows.
fn window_api() -> &'static CStr {
    if cfg!(target_os = "macos") {
        CLAP_WINDOW_API_COCOA
    } else if cfg!(windows) {
        CLAP_WINDOW_API_WIN32
    } else {
        CLAP_WINDOW_API_X11
    }
}

fn edits_in_clap(guarded: bool) -> Result<(), String> {
    let host = ClapHost::of::<Probe<Sym>>(guarded);
    let host = if guarded { host } else { host.call_back() };
    let plugin = host.plugin;
    // SAFETY: a live plugin; the probe opens no real window.
    let gui = unsafe {
        let id: &CStr = CLAP_EXT_GUI;
        &*(*plugin).get_extension.unwrap()(plugin, id.as_ptr()).cast::<clap_plugin_gui>()
    };
    // SAFETY: as above.
    let opened = unsafe { gui.create.unwrap()(plugin, window_api().as_ptr(), false) };
    expect("opened", opened, true)?;
    let hand = Hand::of_window().unwrap();
    let label = param_id_hash("label");

    move_to(&hand, 1.0);
    expect("edits on the main thread", count(&host.told.edits), [1, 1, 1])?;
    expect("value", host.param(label), 1.0)?;
    host.idle();
    expect("names", host.notices().0, 1)?;

    hand.resize();
    hand.begin();
    // SAFETY: an open window.
    unsafe { gui.destroy.unwrap()(plugin) };
    expect("edits at the end", count(&host.told.edits), [2, 1, 2])
}

/// Qtractor looks for the window of an instance to which it gives no extension, and opens that of
/// another instance.
#[test]
fn a_clap_host_without_windows_learns_that_there_is_one_and_gets_none() {
    let host = ClapHost::of::<Probe<Sym>>(true);
    host.told.is_without_windows.store(true, Ordering::SeqCst);
    let plugin = host.plugin;
    let id: &CStr = CLAP_EXT_GUI;
    // SAFETY: a live plugin; the probe opens no real window.
    let gui = unsafe { (*plugin).get_extension.unwrap()(plugin, id.as_ptr()) };
    // SAFETY: null or the plugin's.
    let gui = unsafe { gui.cast::<clap_plugin_gui>().as_ref() }.expect("has a window");
    // SAFETY: as above.
    assert!(unsafe { gui.is_api_supported.unwrap()(plugin, window_api().as_ptr(), false) });
    // SAFETY: as above.
    assert!(!unsafe { gui.create.unwrap()(plugin, window_api().as_ptr(), false) });
    host.told.is_without_windows.store(false, Ordering::SeqCst);
    // SAFETY: as above.
    assert!(unsafe { gui.create.unwrap()(plugin, window_api().as_ptr(), false) });
    // SAFETY: an open window.
    unsafe { gui.destroy.unwrap()(plugin) };
}

/// A host that restarts the plugin during its request for a restart.
#[test]
fn a_restart_in_the_middle_of_asking_for_it_is_survived() {
    use plugin::classes::{Class, UnspillTrack};
    for through_audio in [true, false] {
        let (clap, vst3) = super::instances::instances(&UnspillTrack::DESC);
        clap.told.restarts_at_once.store(true, Ordering::SeqCst);
        vst3.handler.restarts_at_once.store(true, Ordering::SeqCst);
        let hosts: [Box<dyn Host>; 2] = [Box::new(clap), Box::new(vst3)];
        for mut host in hosts {
            let live = host.latency();
            assert!(host.activate(SetUp::default()));
            let mode = param_id_hash("mode");
            let mut output = [TestBus::output(2, 64)];
            if through_audio {
                assert!(host.process(&mut [], &mut output, 64, &[(mode, 1.0)]));
            } else {
                host.flush(&[(mode, 1.0)]);
            }
            host.idle();
            let asked = host.notices().1;
            assert!(asked > 0 && host.latency() > live);
            assert!(host.process(&mut [], &mut output, 64, &[]));
            host.idle();
            assert_eq!(host.notices().1, asked, "again and again");
        }
    }
}

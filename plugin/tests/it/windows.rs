//! VST3 windows on Linux leave nothing behind in their host, in any order of calls.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plugin::Unspill;
use plugin::classes::{Unspill8, UnspillLink};
use plugin::guard::param_id_hash;
use vst3::Steinberg::Linux::*;
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComWrapper};

use super::frame::{Frame, set_frame, view_of};
use super::host::{Host, SetUp};
use super::instances::isolate;
use super::vst3_host::Vst3Host;

/// A host's frame without a run loop.
struct PlainFrame;

impl Class for PlainFrame {
    type Interfaces = (IPlugFrame,);
}

impl IPlugFrameTrait for PlainFrame {
    unsafe fn resizeView(&self, _view: *mut IPlugView, _size: *mut ViewRect) -> tresult {
        kResultOk
    }
}

/// Returns the sockets that the host watches, by names that are unique in the process.
fn watched(frame: &Frame) -> Vec<PathBuf> {
    let handlers = frame.handlers.borrow();
    let sockets: Vec<_> = handlers.iter().filter_map(|&(_, fd)| socket(fd)).collect();
    assert_eq!(sockets.len(), handlers.len(), "the host watches what is not open");
    sockets
}

fn socket(descriptor: FileDescriptor) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()
}

/// Returns true if any descriptor of the process is this socket.
fn is_open(socket: &Path) -> bool {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    all.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|path| path == socket))
}

fn instance(guarded: bool) -> Vst3Host {
    Vst3Host::of::<Unspill<Unspill8>>(guarded)
}

/// Returns a view in a frame, and the sockets that the host watches for it.
fn shown(host: &Vst3Host, frame: &ComWrapper<Frame>) -> (ComPtr<IPlugView>, Vec<PathBuf>) {
    let view = view_of(host);
    *frame.handler.borrow_mut() = Some(host.handler.clone());
    assert_eq!(set_frame(&view, Some(frame)), kResultOk);
    let sockets = watched(frame);
    assert!(sockets.iter().all(|socket| is_open(socket)));
    (view, sockets)
}

fn assert_gone(frame: &Frame, sockets: &[PathBuf], case: &str) {
    assert_eq!(frame.handlers.borrow().len(), 0, "{case}: handlers stay in the run loop");
    assert!(!sockets.is_empty(), "{case}: there was nothing");
    assert!(!sockets.iter().any(|socket| is_open(socket)), "{case}: sockets stay open");
}

/// The control: the defect without the guard.
#[test]
fn without_the_guard_a_window_stays_in_the_run_loop() {
    let (host, frame) = (instance(false), ComWrapper::new(Frame::default()));
    let (view, sockets) = shown(&host, &frame);
    assert_eq!(set_frame(&view, None), kResultOk);
    drop((view, host));
    assert!(!frame.handlers.borrow().is_empty() && sockets.iter().all(|socket| is_open(socket)));
}

#[test]
fn a_window_leaves_nothing_in_the_run_loop_whichever_way_it_goes() {
    let (host, frame) = (instance(true), ComWrapper::new(Frame::default()));
    let (view, sockets) = shown(&host, &frame);
    assert_eq!(set_frame(&view, None), kResultOk);
    assert_gone(&frame, &sockets, "frame taken away");
    drop(view);

    let (view, sockets) = shown(&host, &frame);
    drop(view);
    assert_gone(&frame, &sockets, "released with its frame");

    let (view, sockets) = shown(&host, &frame);
    let other = ComWrapper::new(Frame::default());
    assert_eq!(set_frame(&view, Some(&other)), kResultOk);
    assert_gone(&frame, &sockets, "another frame");
    let sockets = watched(&other);
    drop(view);
    assert_gone(&other, &sockets, "released with another frame");

    let (first, sockets) = shown(&host, &frame);
    let (second, others) = shown(&host, &other);
    drop(first);
    assert_gone(&frame, &sockets, "the first of two");
    drop(second);
    assert_gone(&other, &others, "the second of two");

    let (view, sockets) = shown(&host, &frame);
    Box::new(host).unload();
    drop(view);
    assert_gone(&frame, &sockets, "later than its plugin");
}

#[test]
fn a_host_that_keeps_handlers_keeps_no_sockets_and_calls_nobody() {
    let (host, frame) = (instance(true), ComWrapper::new(Frame::default()));
    frame.hoards.set(true);
    let (view, sockets) = shown(&host, &frame);
    drop(view);
    assert_gone(&frame, &sockets, "hoarded");
    let hoarded = frame.hoarded.borrow();
    assert!(!hoarded.is_empty());
    for handler in &*hoarded {
        // SAFETY: kept alive by the list.
        unsafe { handler.onFDIsSet(0) };
    }
}

#[test]
fn windows_do_without_a_run_loop_and_with_one_that_refuses() {
    let (host, frame) = (instance(true), ComWrapper::new(Frame::default()));
    frame.refuses.set(true);
    let view = view_of(&host);
    assert_eq!(set_frame(&view, Some(&frame)), kResultOk);
    assert_eq!(frame.handlers.borrow().len(), 0);
    assert_eq!(set_frame(&view, None), kResultOk);

    let plain = ComWrapper::new(PlainFrame);
    let plain = plain.as_com_ref::<IPlugFrame>().unwrap();
    // SAFETY: a live frame; then none.
    unsafe {
        assert_eq!(view.setFrame(plain.as_ptr()), kResultOk);
        assert_eq!(view.setFrame(std::ptr::null_mut()), kResultOk);
        let mut size = ViewRect { left: 0, top: 0, right: 0, bottom: 0 };
        assert_eq!(view.getSize(&raw mut size), kResultOk);
        assert!(size.right > 0 && size.bottom > 0);
    }
}

/// A window of a linked instance edits other instances. Their hosts hear of it although their own
/// windows are closed.
#[test]
fn an_open_window_wakes_the_host_for_instances_whose_windows_are_closed() {
    isolate();
    let host = || Vst3Host::of::<Unspill<UnspillLink>>(true);
    let (mut open, mut closed, frame) = (host(), host(), ComWrapper::new(Frame::default()));
    let (_view, _) = shown(&open, &frame);
    assert!(open.activate(SetUp::default()) && closed.activate(SetUp::default()));
    frame.run();
    let before = (closed.value_notices(), closed.dirty_notices());
    // The other one takes the mode on its worker's thread.
    open.flush(&[(param_id_hash("mode"), 1.0)]);
    let since = Instant::now();
    while (closed.value_notices(), closed.dirty_notices()) == before {
        assert!(since.elapsed() < Duration::from_secs(10), "nothing was told");
        std::thread::sleep(Duration::from_millis(5));
        frame.run();
    }
    assert_eq!(closed.param(param_id_hash("mode")), 1.0);
}

//! A replacement for the host's run loop that unregisters the framework's handlers.
//!
//! The framework (nice-plug 0.4.2) never releases the event handler that it registers with a host's
//! run loop: the handler holds a reference to itself, and only the drop of its last reference
//! unregisters it. The host would keep watching the sockets of closed windows, and each window
//! would leak its sockets and a queue of 0.2 MB. Here the host gets handlers of the guard, which
//! are unregistered when the window closes. The framework's handlers are released after that.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::{Arc, Mutex};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait,
};
use vst3::Steinberg::{FUnknown, kResultOk};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::asleep;
use super::teller::Teller;
use super::wake::Wake;
use crate::guard::panics::shield;
use crate::sync::lock;

/// The host's run loop and the guard's handlers in it.
pub(super) struct RunLoop {
    pub(super) host: ComPtr<IRunLoop>,
    handlers: Mutex<Vec<(Arc<FrameworkHandler>, Option<Registration>)>>,
    /// The guard's own wake-up and its registration.
    wake: Mutex<Option<(Arc<Wake>, Registration)>>,
    teller: Arc<Teller>,
}

impl RunLoop {
    pub(super) fn new(host: ComPtr<IRunLoop>, teller: &Arc<Teller>) -> Self {
        let wake = Wake::new().map(Arc::new);
        let wake = wake.and_then(|wake| {
            let (heard, teller) = (Arc::clone(&wake), Arc::clone(teller));
            let hear = move |_: FileDescriptor| {
                heard.settle();
                teller.tell_host();
                asleep::tell_hosts();
            };
            let registration = Registration::new(&host, wake.descriptor(), Arc::new(hear))?;
            Some((wake, registration))
        });
        teller.wake_by(wake.as_ref().map(|(wake, _)| Arc::clone(wake)));
        let teller = Arc::clone(teller);
        Self { host, handlers: Mutex::default(), wake: Mutex::new(wake), teller }
    }

    pub(super) fn register(&self, handler: ComRef<'_, IEventHandler>, descriptor: FileDescriptor) {
        let handler = Arc::new(FrameworkHandler(handler.to_com_ptr()));
        let (called, teller) = (Arc::clone(&handler), Arc::clone(&self.teller));
        let hear = move |descriptor: FileDescriptor| {
            // SAFETY: this closure keeps it alive.
            unsafe { called.0.onFDIsSet(descriptor) };
            teller.tell_host();
        };
        let registration = Registration::new(&self.host, descriptor, Arc::new(hear));
        lock(&self.handlers).push((handler, registration));
    }

    /// Unregisters a handler. Returns false if it is unknown.
    pub(super) fn unregister(&self, handler: *mut IEventHandler) -> bool {
        let mut handlers = lock(&self.handlers);
        let known = handlers.iter_mut().find(|(known, _)| known.0.as_ptr() == handler);
        let Some((_, registration)) = known else { return false };
        let registration = registration.take();
        drop(handlers);
        drop(registration);
        true
    }

    /// Unregisters all handlers from the host's run loop and returns the framework's.
    pub(super) fn retire(&self) -> Vec<Arc<FrameworkHandler>> {
        let wake = lock(&self.wake).take();
        if let Some((wake, registration)) = wake {
            self.teller.wake_no_more_by(&wake);
            drop(registration);
        }
        let handlers = std::mem::take(&mut *lock(&self.handlers));
        handlers.into_iter().map(|(handler, _registration)| handler).collect()
    }
}

/// The framework's event handler, which holds a reference to itself.
pub(super) struct FrameworkHandler(ComPtr<IEventHandler>);

impl Drop for FrameworkHandler {
    /// Releases the handler's reference to itself. The framework has released its own reference
    /// before, so only `self.0` and that reference are left. A framework without the defect leaves
    /// only `self.0`.
    fn drop(&mut self) {
        let unknown: *mut FUnknown = self.0.as_ptr().cast();
        // SAFETY: alive, because `self.0` holds a reference that is not released here.
        unsafe {
            let table = &*(*unknown).vtbl;
            (table.addRef)(unknown);
            let count = (table.release)(unknown);
            if count > 1 {
                (table.release)(unknown);
            }
        }
    }
}

/// Function that runs when a descriptor is readable.
type Hear = dyn Fn(FileDescriptor);

/// An event handler in a host's run loop; unregistered on drop.
struct Registration {
    host: ComPtr<IRunLoop>,
    listener: ComWrapper<Listener>,
}

/// The handler that the host gets. It does nothing after it is unregistered, even if the host
/// keeps it.
struct Listener(Mutex<Option<Arc<Hear>>>);

impl Class for Listener {
    type Interfaces = (IEventHandler,);
}

impl IEventHandlerTrait for Listener {
    unsafe fn onFDIsSet(&self, descriptor: FileDescriptor) {
        let hear = lock(&self.0).clone();
        if let Some(hear) = hear {
            shield((), || hear(descriptor));
        }
    }
}

impl Registration {
    /// Registers a handler; `None` if the host refuses.
    fn new(host: &ComPtr<IRunLoop>, descriptor: FileDescriptor, hear: Arc<Hear>) -> Option<Self> {
        let listener = ComWrapper::new(Listener(Mutex::new(Some(hear))));
        let handler = listener.as_com_ref::<IEventHandler>()?;
        // SAFETY: a live host. The handler lives until it is unregistered, and longer if the host
        // keeps it.
        let result = unsafe { host.registerEventHandler(handler.as_ptr(), descriptor) };
        (result == kResultOk).then(|| Self { host: host.clone(), listener })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(handler) = self.listener.as_com_ref::<IEventHandler>() {
            // SAFETY: as above.
            unsafe { self.host.unregisterEventHandler(handler.as_ptr()) };
        }
        let heard = lock(&self.listener.0).take();
        drop(heard);
    }
}

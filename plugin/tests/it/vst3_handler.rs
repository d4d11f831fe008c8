//! The VST3 host's handler. It counts calls and calls the plugin back, as Ardour and other
//! hosts do.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComRef, ComWrapper};

use super::vst3_objects::Stream;
use super::watch::in_time;

/// Counts the plugin's calls of its host, and calls it back during each.
#[derive(Default)]
pub struct Handler {
    pub names: AtomicUsize,
    pub values: AtomicUsize,
    pub dirty: AtomicUsize,
    pub restarts: AtomicUsize,
    /// Begun, performed and ended edits.
    pub edits: [AtomicUsize; 3],
    /// True if a restart happens at once instead of later.
    pub restarts_at_once: AtomicBool,
    plugin: OnceLock<Plugin>,
    /// True once the plugin is dropped: it must not be called back any more.
    pub is_gone: AtomicBool,
    /// True during a callback, to end the recursion.
    is_calling: AtomicBool,
}

/// The plugin, without references, so that the handler does not keep it alive.
struct Plugin {
    component: *mut IComponent,
    processor: *mut IAudioProcessor,
    controller: *mut IEditController,
    handler: *mut IComponentHandler,
}

// SAFETY: VST3 objects may be called on any thread here, and the host does not call objects that
// it outlives.
unsafe impl Send for Plugin {}
// SAFETY: as above.
unsafe impl Sync for Plugin {}

impl Class for Handler {
    type Interfaces = (IComponentHandler, IComponentHandler2);
}

impl Handler {
    /// Stores the plugin to call back.
    pub fn know(
        this: &ComWrapper<Self>,
        component: *mut IComponent,
        processor: *mut IAudioProcessor,
        controller: *mut IEditController,
    ) {
        let handler = this.as_com_ref::<IComponentHandler>().unwrap().as_ptr();
        let plugin = Plugin { component, processor, controller, handler };
        assert!(this.plugin.set(plugin).is_ok(), "one host has one plugin");
    }

    /// Calls everything that a host may call during a call of the plugin.
    pub fn call_back(&self) {
        self.call_back_with(|_| ());
    }

    fn call_back_with(&self, also: impl FnOnce(&Plugin)) {
        let Some(plugin) = self.plugin.get() else { return };
        if self.is_gone.load(Ordering::SeqCst) || self.is_calling.swap(true, Ordering::SeqCst) {
            return;
        }
        in_time("a plugin that is called from within its own call", || {
            also(plugin);
            plugin.call_all();
        });
        self.is_calling.store(false, Ordering::SeqCst);
    }
}

impl Plugin {
    fn call_all(&self) {
        // SAFETY: the host calls back only during a call of the plugin, so the plugin is alive.
        let (component, processor, controller) = unsafe {
            (
                ComRef::from_raw(self.component).unwrap(),
                ComRef::from_raw(self.processor).unwrap(),
                ComRef::from_raw(self.controller).unwrap(),
            )
        };
        let stream = ComWrapper::new(Stream::default());
        // SAFETY: live variables and plain arguments.
        unsafe {
            for index in 0..controller.getParameterCount().min(3) {
                let mut info: ParameterInfo = std::mem::zeroed();
                assert_eq!(controller.getParameterInfo(index, &mut info), kResultOk);
                let value = controller.getParamNormalized(info.id);
                let mut text = [0; 128];
                controller.getParamStringByValue(info.id, value, &mut text);
                assert_eq!(controller.setParamNormalized(info.id, value), kResultOk);
            }
            processor.getLatencySamples();
            processor.getTailSamples();
            for direction in [0, 1] {
                assert!(component.getBusCount(0, direction) > 0);
                let mut bus: BusInfo = std::mem::zeroed();
                assert_eq!(component.getBusInfo(0, direction, 0, &mut bus), kResultOk);
                let mut speakers = 0;
                processor.getBusArrangement(direction, 0, &mut speakers);
            }
            let given = stream.as_com_ref::<IBStream>().unwrap();
            assert_eq!(component.getState(given.as_ptr()), kResultOk);
            // A flush without parameters; refused while inactive and while a block runs.
            let mut data: ProcessData = std::mem::zeroed();
            processor.process(&mut data);
            assert_eq!(controller.setComponentHandler(self.handler), kResultOk);
        }
    }

    fn set(&self, id: ParamID, value: ParamValue) {
        // SAFETY: as above.
        unsafe { ComRef::from_raw(self.controller).unwrap().setParamNormalized(id, value) };
    }

    fn restart(&self) {
        // SAFETY: as above.
        unsafe {
            let component = ComRef::from_raw(self.component).unwrap();
            assert_eq!(component.setActive(0), kResultOk);
            assert_eq!(component.setActive(1), kResultOk);
        }
    }
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, _id: ParamID) -> tresult {
        self.edits[0].fetch_add(1, Ordering::SeqCst);
        self.call_back();
        kResultOk
    }

    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        self.edits[1].fetch_add(1, Ordering::SeqCst);
        // Ardour returns the edit at once.
        self.call_back_with(|plugin| plugin.set(id, value));
        kResultOk
    }

    unsafe fn endEdit(&self, _id: ParamID) -> tresult {
        self.edits[2].fetch_add(1, Ordering::SeqCst);
        self.call_back();
        kResultOk
    }

    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        if flags & RestartFlags_::kParamTitlesChanged != 0 {
            self.names.fetch_add(1, Ordering::SeqCst);
        }
        if flags & RestartFlags_::kParamValuesChanged != 0 {
            self.values.fetch_add(1, Ordering::SeqCst);
        }
        let is_restart = flags & RestartFlags_::kLatencyChanged != 0;
        self.restarts.fetch_add(usize::from(is_restart), Ordering::SeqCst);
        let at_once = is_restart && self.restarts_at_once.load(Ordering::SeqCst);
        self.call_back_with(|plugin| {
            if at_once {
                plugin.restart();
            }
        });
        kResultOk
    }
}

impl IComponentHandler2Trait for Handler {
    unsafe fn setDirty(&self, state: TBool) -> tresult {
        self.dirty.fetch_add(usize::from(state != 0), Ordering::SeqCst);
        self.call_back();
        kResultOk
    }

    unsafe fn requestOpenEditor(&self, _name: FIDString) -> tresult {
        self.call_back();
        kNotImplemented
    }

    unsafe fn startGroupEdit(&self) -> tresult {
        self.call_back();
        kNotImplemented
    }

    unsafe fn finishGroupEdit(&self) -> tresult {
        self.call_back();
        kNotImplemented
    }
}

//! The VST3 object that a host gets, and its `IComponent` half: buses, activation, state.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use nice_plug::prelude::AudioIOLayout;
use nice_plug::wrapper::vst3::Wrapper;
use vst3::Steinberg::Vst::ChannelContext::{IInfoListener, IInfoListenerTrait};
use vst3::Steinberg::Vst::{
    BusDirection, BusDirections_, BusInfo, BusInfo_, BusTypes_, IAudioProcessor,
    IAudioProcessorTrait, IComponent, IComponentTrait, IEditController, IEditControllerTrait,
    IHostApplication, IHostApplicationTrait, IProcessContextRequirements,
    IProcessContextRequirementsTrait, IUnitInfo, IUnitInfoTrait, IoMode, MediaType, MediaTypes_,
    ParameterInfo, ParameterInfo_, RoutingInfo, SpeakerArrangement,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait, TBool, TUID, int32, kInternalError, kInvalidArgument,
    kResultFalse, kResultOk, tresult,
};
use vst3::{Class, ComRef, ComWrapper};

use super::processor::Audio;
use super::stream::{self, Memory};
use super::teller::{Ear, Teller};
use crate::guard::flat::{Bus, Buses};
use crate::guard::lock::AudioLock;
use crate::guard::panics::shield;
use crate::guard::{Activation, Guardable, Inside, View, view};

/// The interfaces of the framework's wrapper that the proxy uses.
pub(super) trait Framework:
    IComponentTrait
    + IAudioProcessorTrait
    + IEditControllerTrait
    + IUnitInfoTrait
    + IInfoListenerTrait
    + IProcessContextRequirementsTrait
{
}

impl<P: Guardable> Framework for Wrapper<Inside<P>> {}

/// The media type of audio buses.
#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]
const AUDIO: MediaType = MediaTypes_::kAudio as MediaType;
/// The direction of input buses.
#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]
pub(super) const INPUT: BusDirection = BusDirections_::kInput as BusDirection;
/// The direction of output buses.
#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]
pub(super) const OUTPUT: BusDirection = BusDirections_::kOutput as BusDirection;

/// The proxy between a VST3 host and the framework's wrapper.
pub struct Proxy {
    /// `Some` until `drop`.
    framework: Option<Box<dyn Framework>>,
    pub(super) view: Arc<dyn View>,
    pub(super) layouts: &'static [AudioIOLayout],
    pub(super) audio: AudioLock<Audio>,
    /// Configuration that the host has set for the next activation. Never locked on the
    /// audio thread.
    pub(super) setup: Mutex<Option<Activation>>,
    /// Configuration of the running activation; `None` while inactive. Never locked on the
    /// audio thread.
    pub(super) running: Mutex<Option<Activation>>,
    pub(super) layout: AtomicUsize,
    /// Speaker arrangements of all inputs and all outputs as set by the host; `None` before. Never
    /// locked on the audio thread.
    pub(super) arranged: Mutex<Option<[Vec<SpeakerArrangement>; 2]>>,
    /// One bit per input bus, set if the host has switched the bus off.
    pub(super) inactive_inputs: AtomicU64,
    pub(super) teller: Arc<Teller>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("changes", &self.teller.changes).finish_non_exhaustive()
    }
}

impl Class for Proxy {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IProcessContextRequirements,
        IUnitInfo,
        IInfoListener,
    );
}

impl Drop for Proxy {
    /// Defect 6: the framework's wrapper panics when it is dropped with queued tasks.
    fn drop(&mut self) {
        let framework = self.framework.take();
        shield((), || drop(framework));
    }
}

impl Proxy {
    /// Creates a new instance of `P`; `None` if that panics.
    #[must_use]
    pub fn create<P: Guardable>() -> Option<Self> {
        shield(None, || {
            let framework = Box::new(Wrapper::<Inside<P>>::new());
            let view = view::adopt()?;
            let infos = parameter_infos(&*framework);
            let can_be = ParameterInfo_::ParameterFlags_::kCanAutomate;
            let fixed = infos.iter().filter(|info| info.flags & can_be == 0).map(|info| info.id);
            let all = infos.iter().map(|info| info.id);
            let teller = Arc::new(Teller::new(&view, all, fixed));
            let bell: Weak<Teller> = Arc::downgrade(&teller);
            view.hang_bell(bell);
            let ear = ComWrapper::new(Ear(Arc::clone(&teller)));
            // SAFETY: a live object, of which the framework keeps a reference.
            unsafe { framework.setComponentHandler(ear.as_com_ref()?.as_ptr()) };
            Some(Self {
                framework: Some(framework),
                view,
                layouts: P::AUDIO_IO_LAYOUTS,
                audio: AudioLock::new(Audio::default()),
                setup: Mutex::default(),
                running: Mutex::default(),
                layout: AtomicUsize::new(0),
                arranged: Mutex::default(),
                inactive_inputs: AtomicU64::new(0),
                teller,
            })
        })
    }

    /// Calls the framework; a panic in it returns `fallback`.
    pub(super) fn framework<T>(&self, fallback: T, call: impl FnOnce(&dyn Framework) -> T) -> T {
        match &self.framework {
            Some(framework) => shield(fallback, || call(&**framework)),
            None => fallback,
        }
    }

    /// Returns the buses of the selected layout.
    pub(super) fn buses(&self) -> Buses {
        Buses::of(&self.layouts[self.layout.load(Ordering::Relaxed)])
    }

    fn bus(&self, media: MediaType, direction: BusDirection, index: int32) -> Option<Bus> {
        if media != AUDIO {
            return None;
        }
        let buses = self.buses();
        let list = match direction {
            INPUT => buses.inputs,
            OUTPUT => buses.outputs,
            _ => return None,
        };
        list.into_iter().nth(usize::try_from(index).ok()?)
    }

    /// Returns the latency in samples: that of the running activation, or of the next one.
    pub(super) fn current_latency(&self) -> u32 {
        if take(&self.running).is_some() {
            return self.teller.changes.latency.load(Ordering::Relaxed);
        }
        self.view.latency_samples(&take(&self.setup).unwrap_or_default())
    }

    /// Applies the values that the host has set and no block has brought yet; main thread.
    pub(super) fn take_announced(&self) {
        if self.teller.announced.is_any() {
            self.teller.announced.take(|id, value| {
                self.set_value(id, value);
            });
            self.view.follow();
        }
    }

    /// Defect 11: sets a parameter without the framework, which would notify its editor on another
    /// thread. Returns false if there is no such parameter. Real-time safe.
    pub(super) fn set_value(&self, id: u32, value: f64) -> bool {
        #[allow(clippy::cast_possible_truncation, reason = "a position, 0 to 1")]
        self.view.set_value(id, value.clamp(0.0, 1.0) as f32)
    }

    /// Detects all changes that may follow from a parameter change; real-time safe.
    pub(super) fn notice_changes(&self, running: Option<&Activation>) {
        self.teller.notice();
        if let Some(activation) = running {
            let changes = &self.teller.changes;
            let latency = self.view.latency_samples(activation);
            let before = changes.wanted_latency.swap(latency, Ordering::Relaxed);
            if latency != before && latency != changes.latency.load(Ordering::Relaxed) {
                changes.restart.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Locks a main-thread value. A panic elsewhere cannot leave it partly changed.
pub(super) fn take<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes as much of `text` as fits, always NUL-terminated.
pub(super) fn write_string128(to: &mut [vst3::Steinberg::Vst::TChar; 128], text: &str) {
    to.fill(0);
    for (slot, unit) in to.iter_mut().take(127).zip(text.encode_utf16()) {
        *slot = unit;
    }
}

impl IPluginBaseTrait for Proxy {
    unsafe fn initialize(&self, context: *mut FUnknown) -> tresult {
        shield((), || {
            // SAFETY: null or an object of the host, alive during this call.
            if let Some(name) = unsafe { host_name(context) } {
                self.view.host_is(&name);
            }
        });
        // SAFETY: the host's arguments, for the same method.
        self.framework(kInternalError, |inner| unsafe { inner_base(inner).initialize(context) })
    }

    unsafe fn terminate(&self) -> tresult {
        self.teller.be_heard_by(None);
        // SAFETY: as above.
        self.framework(kInternalError, |inner| unsafe { inner_base(inner).terminate() })
    }
}

/// Returns the framework's descriptions of its parameters.
fn parameter_infos(framework: &dyn Framework) -> Vec<ParameterInfo> {
    // SAFETY: no arguments.
    let count = unsafe { framework.getParameterCount() };
    let infos = (0..count).filter_map(|index| {
        // SAFETY: plain data, for which zeros are valid.
        let mut info: ParameterInfo = unsafe { std::mem::zeroed() };
        // SAFETY: an index within the count, and a local variable to be written.
        (unsafe { framework.getParameterInfo(index, &raw mut info) } == kResultOk).then_some(info)
    });
    infos.collect()
}

/// Returns the host's name, if it reports one.
///
/// # Safety
///
/// `context` is null or a live object.
unsafe fn host_name(context: *mut FUnknown) -> Option<String> {
    // SAFETY: as the caller guarantees.
    let host = unsafe { ComRef::from_raw(context) }?.cast::<IHostApplication>()?;
    let mut name = [0; 128];
    // SAFETY: the host writes a string of this length.
    if unsafe { host.getName(&raw mut name) } != kResultOk {
        return None;
    }
    let length = name.iter().position(|&unit| unit == 0).unwrap_or(name.len());
    let units: Vec<u16> = name[..length].to_vec();
    Some(String::from_utf16_lossy(&units))
}

/// Selects one of the two traits by which a wrapper is an `IPluginBase`.
fn inner_base(inner: &dyn Framework) -> &dyn IComponentTrait {
    inner
}

impl IComponentTrait for Proxy {
    unsafe fn getControllerClassId(&self, class_id: *mut TUID) -> tresult {
        // SAFETY: the host's arguments, for the same method.
        self.framework(kInternalError, |inner| unsafe { inner.getControllerClassId(class_id) })
    }

    unsafe fn setIoMode(&self, mode: IoMode) -> tresult {
        // SAFETY: as above.
        self.framework(kInternalError, |inner| unsafe { inner.setIoMode(mode) })
    }

    unsafe fn getBusCount(&self, media: MediaType, direction: BusDirection) -> int32 {
        shield(0, || {
            let buses = self.buses();
            let count = match (media, direction) {
                (AUDIO, INPUT) => buses.inputs.len(),
                (AUDIO, OUTPUT) => buses.outputs.len(),
                _ => 0,
            };
            int32::try_from(count).unwrap_or(0)
        })
    }

    /// Defect 10: every output is a main bus, because hosts hide auxiliary outputs.
    unsafe fn getBusInfo(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        info: *mut BusInfo,
    ) -> tresult {
        shield(kInternalError, || {
            let Some(bus) = self.bus(media, direction, index) else {
                return kInvalidArgument;
            };
            if info.is_null() {
                return kInvalidArgument;
            }
            let speakers = usize::try_from(index).ok();
            let speakers = speakers.and_then(|index| self.speakers(direction, index));
            // A bus that the host has switched off by an empty arrangement exists without channels.
            let num_channels = speakers.map_or(0, u64::count_ones);
            let is_aux = direction == INPUT && !bus.is_main;
            let mut name = [0; 128];
            write_string128(&mut name, &bus.name);
            #[allow(
                clippy::unnecessary_cast,
                clippy::cast_possible_wrap,
                reason = "the enums' type differs by system"
            )]
            let made = BusInfo {
                mediaType: media,
                direction,
                channelCount: int32::try_from(num_channels).unwrap_or(0),
                name,
                busType: if is_aux { BusTypes_::kAux } else { BusTypes_::kMain } as i32,
                flags: BusInfo_::BusFlags_::kDefaultActive as u32,
            };
            // SAFETY: not null, and the host's to be written.
            unsafe { info.write(made) };
            kResultOk
        })
    }

    unsafe fn getRoutingInfo(&self, input: *mut RoutingInfo, output: *mut RoutingInfo) -> tresult {
        shield(kInternalError, || {
            if input.is_null() || output.is_null() {
                return kInvalidArgument;
            }
            // SAFETY: not null, and the host's to be read.
            let route = unsafe { input.read() };
            let from = self.bus(route.mediaType, INPUT, route.busIndex);
            if from.is_none() || self.bus(route.mediaType, OUTPUT, route.busIndex).is_none() {
                return kResultFalse;
            }
            // The output of mic n is bus n.
            // SAFETY: not null, and the host's to be written.
            unsafe { output.write(route) };
            kResultOk
        })
    }

    unsafe fn activateBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        state: TBool,
    ) -> tresult {
        shield(kInternalError, || {
            if self.bus(media, direction, index).is_none() {
                return kInvalidArgument;
            }
            if direction == INPUT {
                let bit = 1_u64 << (index & 63);
                if state == 0 {
                    self.inactive_inputs.fetch_or(bit, Ordering::Relaxed);
                } else {
                    self.inactive_inputs.fetch_and(!bit, Ordering::Relaxed);
                }
            }
            kResultOk
        })
    }

    unsafe fn setActive(&self, state: TBool) -> tresult {
        let result = shield(kInternalError, || self.set_active(state != 0));
        shield((), || self.teller.tell_host());
        result
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        let bytes = shield(Err(kInternalError), || {
            // SAFETY: null or a live object of the host.
            let stream = unsafe { ComRef::from_raw(state) }.ok_or(kInvalidArgument)?;
            stream::read_all(stream).ok_or(kResultFalse)
        });
        match bytes {
            Ok(bytes) => self.load(bytes),
            Err(result) => result,
        }
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        shield((), || self.take_announced());
        shield(kInternalError, || {
            // SAFETY: null or a live object of the host.
            let Some(stream) = (unsafe { ComRef::from_raw(state) }) else {
                return kInvalidArgument;
            };
            let ours = Memory::of(Vec::new());
            let result = self.framework(kInternalError, |inner| {
                let memory = ours.as_com_ref::<IBStream>();
                let memory = memory.map_or(std::ptr::null_mut(), |memory| memory.as_ptr());
                // SAFETY: a live stream of the guard.
                unsafe { IComponentTrait::getState(inner, memory) }
            });
            let is_taken = result == kResultOk && stream::write_all(stream, &ours.take_bytes());
            if result == kResultOk && !is_taken { kResultFalse } else { result }
        })
    }
}

impl Proxy {
    /// Loads a state that [`IComponentTrait::getState`] has written.
    fn load(&self, bytes: Vec<u8>) -> tresult {
        self.teller.edits.forget();
        self.teller.announced.forget();
        let result = self.framework(kInternalError, |inner| {
            let memory = Memory::of(bytes);
            let memory = memory.as_com_ref::<IBStream>();
            let memory = memory.map_or(std::ptr::null_mut(), |memory| memory.as_ptr());
            // SAFETY: a live stream of the guard.
            unsafe { IComponentTrait::setState(inner, memory) }
        });
        shield((), || {
            let running = *take(&self.running);
            self.notice_changes(running.as_ref());
            self.teller.tell_host();
        });
        result
    }
}

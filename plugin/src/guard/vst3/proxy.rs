//! The proxy between a VST3 host and the framework: its data, its calls, and its reports.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use nice_plug::prelude::AudioIOLayout;
use nice_plug::wrapper::vst3::Wrapper;
use vst3::Steinberg::Vst::ChannelContext::{IInfoListener, IInfoListenerTrait};
use vst3::Steinberg::Vst::{
    BusDirection, BusDirections_, IAudioProcessor, IAudioProcessorTrait, IComponent,
    IComponentTrait, IEditController, IEditControllerTrait, IProcessContextRequirements,
    IProcessContextRequirementsTrait, IUnitInfo, IUnitInfoTrait, ParameterInfo, ParameterInfo_,
    SpeakerArrangement,
};
use vst3::Steinberg::kResultOk;
use vst3::{Class, ComWrapper};

use super::due::Due;
use super::teller::{Ear, Teller};
use crate::guard::flat::Buses;
use crate::guard::lock::AudioLock;
use crate::guard::panics::shield;
use crate::guard::scratch::Scratch;
use crate::guard::{Activation, Guardable, Inside, View, view};
use crate::sync::lock;

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

/// The data of a block; used only while the lock is held.
#[derive(Debug, Default)]
pub(super) struct Audio {
    pub(super) scratch: Scratch,
    pub(super) buses: Option<Buses>,
    pub(super) due: Option<Due>,
    /// `Some` while active.
    pub(super) activation: Option<Activation>,
    /// True once a block with samples was processed since the activation.
    pub(super) has_played: bool,
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
            let teller = Arc::new_cyclic(|me| Teller::new(me, &view, all, fixed));
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

    /// Returns the latency in samples: that of the running activation, or of the next one.
    pub(super) fn current_latency(&self) -> u32 {
        if lock(&self.running).is_some() {
            return self.teller.changes.latency.load(Ordering::Relaxed);
        }
        self.view.latency_samples(&lock(&self.setup).unwrap_or_default())
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

//! The `IComponent` half of the VST3 proxy: buses, activation, state.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::Ordering;

use vst3::ComRef;
use vst3::Steinberg::Vst::{
    BusDirection, BusInfo, BusInfo_, BusTypes_, IComponentTrait, IHostApplication,
    IHostApplicationTrait, IoMode, MediaType, MediaTypes_, RoutingInfo,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait, TBool, TUID, int32, kInternalError, kInvalidArgument,
    kResultFalse, kResultOk, tresult,
};

use super::proxy::{Framework, INPUT, OUTPUT, Proxy};
use super::stream::{self, Memory};
use super::text::write_string128;
use crate::guard::flat::Bus;
use crate::guard::panics::shield;
use crate::sync::lock;

/// The media type of audio buses.
#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]
const AUDIO: MediaType = MediaTypes_::kAudio as MediaType;
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
            let running = *lock(&self.running);
            self.notice_changes(running.as_ref());
            self.follow_latency();
            self.teller.tell_host();
        });
        result
    }
}

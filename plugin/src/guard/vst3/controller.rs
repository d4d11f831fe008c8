//! The `IEditController` half of the VST3 proxy, and the interfaces that pass through unchanged.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::Ordering;

use vst3::ComRef;
use vst3::Steinberg::Vst::ChannelContext::{IInfoListenerTrait, kChannelColorKey, kChannelNameKey};
use vst3::Steinberg::Vst::{
    BusDirection, CString, IAttributeList, IAttributeListTrait, IComponentHandler,
    IEditControllerTrait, IUnitInfoTrait, MediaType, ParamID, ParamValue, ParameterInfo,
    ParameterInfo_, ProgramListID, ProgramListInfo, String128, TChar, UnitID, UnitInfo,
};
use vst3::Steinberg::{
    FIDString, IBStream, IPlugView, int16, int32, kInternalError, kInvalidArgument, kResultOk,
    tresult,
};

use super::proxy::Proxy;
use super::text::write_string128;
use super::window::Window;
use crate::guard::panics::shield;
use crate::sync::lock;

/// Forwards a call to the framework's wrapper. A panic returns the value after `else`.
macro_rules! pass {
    ($self:ident, $interface:ident::$method:ident($($argument:ident),*) else $fallback:expr) => {
        $self.framework($fallback, |inner| {
            // SAFETY: the host's arguments, for the same method.
            unsafe { $interface::$method(inner, $($argument),*) }
        })
    };
}

impl Proxy {
    /// Reports changes after a call on the main thread that may have changed a parameter.
    fn after_change(&self) {
        shield((), || {
            let running = *lock(&self.running);
            self.notice_changes(running.as_ref());
            self.teller.tell_host();
        });
    }
}

impl IEditControllerTrait for Proxy {
    unsafe fn setComponentState(&self, state: *mut IBStream) -> tresult {
        pass!(self, IEditControllerTrait::setComponentState(state) else kInternalError)
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        pass!(self, IEditControllerTrait::setState(state) else kInternalError)
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        pass!(self, IEditControllerTrait::getState(state) else kInternalError)
    }

    unsafe fn getParameterCount(&self) -> int32 {
        pass!(self, IEditControllerTrait::getParameterCount() else 0)
    }

    /// Defect 7: the framework panics for the index that equals the count. Also returns the live
    /// name instead of the fixed one, and marks choices as lists.
    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        let count = pass!(self, IEditControllerTrait::getParameterCount() else 0);
        if info.is_null() || !(0..count).contains(&index) {
            return kInvalidArgument;
        }
        let result =
            pass!(self, IEditControllerTrait::getParameterInfo(index, info) else kInternalError);
        if result == kResultOk {
            // SAFETY: not null, and just written by the framework.
            let info = unsafe { &mut *info };
            if info.stepCount > 1 {
                info.flags |= ParameterInfo_::ParameterFlags_::kIsList;
            }
            if let Some(name) = shield(None, || self.view.name(info.id)) {
                write_string128(&mut info.title, &name);
                write_string128(&mut info.shortTitle, &name);
            }
        }
        result
    }

    unsafe fn getParamStringByValue(
        &self,
        id: ParamID,
        value: ParamValue,
        string: *mut String128,
    ) -> tresult {
        if !value.is_finite() {
            return kInvalidArgument;
        }
        pass!(
            self,
            IEditControllerTrait::getParamStringByValue(id, value, string) else kInternalError
        )
    }

    unsafe fn getParamValueByString(
        &self,
        id: ParamID,
        string: *mut TChar,
        value: *mut ParamValue,
    ) -> tresult {
        let mut read = f64::NAN;
        let into = &raw mut read;
        let result = pass!(
            self,
            IEditControllerTrait::getParamValueByString(id, string, into) else kInternalError
        );
        if result != kResultOk {
            return result;
        }
        // Only a finite value is passed on to the host.
        if value.is_null() || !read.is_finite() {
            return kInvalidArgument;
        }
        // SAFETY: not null, and the host's to be written.
        unsafe { value.write(read) };
        kResultOk
    }

    unsafe fn normalizedParamToPlain(&self, id: ParamID, value: ParamValue) -> ParamValue {
        pass!(self, IEditControllerTrait::normalizedParamToPlain(id, value) else value)
    }

    unsafe fn plainParamToNormalized(&self, id: ParamID, value: ParamValue) -> ParamValue {
        pass!(self, IEditControllerTrait::plainParamToNormalized(id, value) else value)
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        let value = pass!(self, IEditControllerTrait::getParamNormalized(id) else 0.0);
        let value = self.teller.announced.newest(id).unwrap_or(value);
        // Hosts poll this function, so changes of the audio thread are reported here.
        shield((), || self.teller.tell_host());
        value
    }

    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        if !value.is_finite() {
            return kInvalidArgument;
        }
        // A value that is kept for a block is returned to the host as it is, so it is clamped here.
        let value = value.clamp(0.0, 1.0);
        self.teller.edits.replaced_by(id, value);
        // Defect 11: the framework does not get the value.
        let is_known = if self.teller.is_processing.load(Ordering::Relaxed) {
            self.teller.announced.set(id, value)
        } else {
            self.teller.announced.arrived(id);
            self.set_value(id, value)
        };
        if lock(&self.running).is_none() {
            // No block will bring it.
            shield((), || self.take_announced());
        }
        self.after_change();
        if is_known { kResultOk } else { kInvalidArgument }
    }

    /// Stores the host's handler. The framework keeps the guard's handler from the start: it panics
    /// if its handler is replaced while it calls it.
    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        // SAFETY: null or a live object of the host.
        let shared = unsafe { ComRef::from_raw(handler) }.map(|handler| handler.to_com_ptr());
        shield((), || self.teller.be_heard_by(shared));
        kResultOk
    }

    unsafe fn createView(&self, name: FIDString) -> *mut IPlugView {
        if name.is_null() {
            return std::ptr::null_mut();
        }
        let view = pass!(self, IEditControllerTrait::createView(name) else std::ptr::null_mut());
        // SAFETY: null or a view of the framework, whose reference the caller owns.
        shield(std::ptr::null_mut(), || unsafe { Window::around(view, &self.teller) })
    }
}

impl IUnitInfoTrait for Proxy {
    unsafe fn getUnitCount(&self) -> int32 {
        pass!(self, IUnitInfoTrait::getUnitCount() else 0)
    }

    unsafe fn getUnitInfo(&self, index: int32, info: *mut UnitInfo) -> tresult {
        pass!(self, IUnitInfoTrait::getUnitInfo(index, info) else kInternalError)
    }

    unsafe fn getProgramListCount(&self) -> int32 {
        pass!(self, IUnitInfoTrait::getProgramListCount() else 0)
    }

    unsafe fn getProgramListInfo(&self, index: int32, info: *mut ProgramListInfo) -> tresult {
        pass!(self, IUnitInfoTrait::getProgramListInfo(index, info) else kInternalError)
    }

    unsafe fn getProgramName(
        &self,
        list: ProgramListID,
        index: int32,
        name: *mut String128,
    ) -> tresult {
        pass!(self, IUnitInfoTrait::getProgramName(list, index, name) else kInternalError)
    }

    unsafe fn getProgramInfo(
        &self,
        list: ProgramListID,
        index: int32,
        attribute: CString,
        value: *mut String128,
    ) -> tresult {
        pass!(
            self,
            IUnitInfoTrait::getProgramInfo(list, index, attribute, value) else kInternalError
        )
    }

    unsafe fn hasProgramPitchNames(&self, list: ProgramListID, index: int32) -> tresult {
        pass!(self, IUnitInfoTrait::hasProgramPitchNames(list, index) else kInternalError)
    }

    unsafe fn getProgramPitchName(
        &self,
        list: ProgramListID,
        index: int32,
        pitch: int16,
        name: *mut String128,
    ) -> tresult {
        pass!(
            self,
            IUnitInfoTrait::getProgramPitchName(list, index, pitch, name) else kInternalError
        )
    }

    unsafe fn getSelectedUnit(&self) -> UnitID {
        pass!(self, IUnitInfoTrait::getSelectedUnit() else 0)
    }

    unsafe fn selectUnit(&self, unit: UnitID) -> tresult {
        pass!(self, IUnitInfoTrait::selectUnit(unit) else kInternalError)
    }

    unsafe fn getUnitByBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        channel: int32,
        unit: *mut UnitID,
    ) -> tresult {
        pass!(
            self,
            IUnitInfoTrait::getUnitByBus(media, direction, index, channel, unit) else kInternalError
        )
    }

    unsafe fn setUnitProgramData(
        &self,
        list_or_unit: int32,
        index: int32,
        data: *mut IBStream,
    ) -> tresult {
        pass!(
            self,
            IUnitInfoTrait::setUnitProgramData(list_or_unit, index, data) else kInternalError
        )
    }
}

impl IInfoListenerTrait for Proxy {
    /// Reads the track's name and colour from the host's list. The framework does not get the list:
    /// it only uses it in an editor, and holds a lock while it reads it.
    unsafe fn setChannelContextInfos(&self, list: *mut IAttributeList) -> tresult {
        let result = shield(kInternalError, || {
            // SAFETY: null or a live object of the host.
            let Some(list) = (unsafe { ComRef::from_raw(list) }) else { return kInvalidArgument };
            const UNITS: usize = 128;
            #[allow(clippy::cast_possible_truncation, reason = "a few hundred")]
            const BYTES: u32 = (UNITS * size_of::<TChar>()) as u32;
            let mut name: [TChar; UNITS] = [0; UNITS];
            // SAFETY: a key of the VST3 SDK, and room for the given number of bytes.
            let said = unsafe { list.getString(kChannelNameKey, name.as_mut_ptr(), BYTES) };
            if said == kResultOk {
                let end = name.iter().position(|&unit| unit == 0).unwrap_or(UNITS);
                self.view.track_is(&String::from_utf16_lossy(&name[..end]));
            }
            let mut colour = 0;
            // SAFETY: a key of the VST3 SDK, and a local variable to be written.
            if unsafe { list.getInt(kChannelColorKey, &raw mut colour) } == kResultOk {
                // Alpha, red, green, blue.
                let [.., red, green, blue] = colour.to_be_bytes();
                self.view.track_has_colour(u32::from_be_bytes([0, red, green, blue]));
            }
            kResultOk
        });
        self.after_change();
        result
    }
}

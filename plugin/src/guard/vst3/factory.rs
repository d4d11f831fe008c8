//! The VST3 factory: lists the classes and creates guarded instances.
#![allow(unsafe_code, reason = "a VST3 interface")]

use std::ffi::c_void;

use nice_plug::wrapper::vst3::PluginInfo;
use vst3::Steinberg::{
    FIDString, FUnknown, IPluginFactory, IPluginFactory2Trait, IPluginFactory3,
    IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo, PClassInfo2, PClassInfoW, PFactoryInfo,
    TUID, int32, kInternalError, kInvalidArgument, kResultOk, tresult,
};
use vst3::{Class, ComWrapper};

use super::proxy::Proxy;
use crate::guard::panics::shield;
use crate::guard::{Guardable, Inside};

/// One class of the binary.
#[derive(Clone, Copy, Debug)]
pub struct Vst3Class {
    info: fn() -> PluginInfo,
    create: fn() -> Option<Proxy>,
}

impl Vst3Class {
    /// Describes the class of the plugin `P`, behind the guard.
    #[must_use]
    pub const fn of<P: Guardable>() -> Self {
        Self { info: PluginInfo::for_plugin::<Inside<P>>, create: Proxy::create::<P> }
    }
}

/// The factory that a host gets from `GetPluginFactory`.
#[derive(Debug)]
pub struct Factory {
    infos: Vec<PluginInfo>,
    classes: &'static [Vst3Class],
}

impl Class for Factory {
    type Interfaces = (IPluginFactory3,);
}

impl Factory {
    /// Creates a factory for `classes` as a COM pointer that the caller owns; null if that fails.
    #[must_use]
    pub fn export(classes: &'static [Vst3Class]) -> *mut c_void {
        shield(std::ptr::null_mut(), || {
            let infos = classes.iter().map(|class| (class.info)()).collect();
            ComWrapper::new(Self { infos, classes })
                .to_com_ptr::<IPluginFactory>()
                .map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
        })
    }

    fn class_at(&self, index: int32) -> Option<&PluginInfo> {
        self.infos.get(usize::try_from(index).ok()?)
    }

    /// Writes the description that `make` returns for the class at `index`.
    fn write_info<T>(
        &self,
        index: int32,
        info: *mut T,
        make: impl FnOnce(&PluginInfo) -> T,
    ) -> tresult {
        shield(kInternalError, || match self.class_at(index) {
            Some(class) if !info.is_null() => {
                // SAFETY: not null, and the host's to be written.
                unsafe { info.write(make(class)) };
                kResultOk
            }
            _ => kInvalidArgument,
        })
    }
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        self.write_info(0, info, PluginInfo::create_factory_info)
    }

    unsafe fn countClasses(&self) -> int32 {
        int32::try_from(self.infos.len()).unwrap_or(0)
    }

    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        self.write_info(index, info, PluginInfo::create_class_info)
    }

    unsafe fn createInstance(
        &self,
        cid: FIDString,
        iid: FIDString,
        obj: *mut *mut c_void,
    ) -> tresult {
        shield(kInternalError, || {
            if cid.is_null() || iid.is_null() || obj.is_null() {
                return kInvalidArgument;
            }
            // SAFETY: not null; class ids are 16 bytes.
            let cid = unsafe { &*cid.cast::<[u8; 16]>() };
            let Some(index) = self.infos.iter().position(|info| info.cid == cid) else {
                return kInvalidArgument;
            };
            let Some(proxy) = (self.classes[index].create)() else {
                return kInternalError;
            };
            let wrapper = ComWrapper::new(proxy);
            let Some(unknown) = wrapper.as_com_ref::<FUnknown>() else {
                return kInternalError;
            };
            let unknown = unknown.as_ptr();
            // SAFETY: a live COM object; `iid` and `obj` are the host's and not null.
            unsafe { ((*(*unknown).vtbl).queryInterface)(unknown, iid.cast::<TUID>(), obj) }
        })
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        self.write_info(index, info, PluginInfo::create_class_info_2)
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        self.write_info(index, info, PluginInfo::create_class_info_unicode)
    }

    unsafe fn setHostContext(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }
}

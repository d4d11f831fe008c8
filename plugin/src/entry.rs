//! The symbols that hosts look up in the binary.
#![allow(unsafe_code, reason = "exported symbols")]
#![allow(missing_docs, reason = "their names are the formats'")]

use std::ffi::{CStr, c_char, c_void};

use clap_sys::entry::clap_plugin_entry;
use clap_sys::factory::plugin_factory::CLAP_PLUGIN_FACTORY_ID;
use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_FACTORY_ID, CLAP_PRESET_DISCOVERY_FACTORY_ID_COMPAT,
};
use clap_sys::version::CLAP_VERSION;

use crate::classes::{ALL, Unspill8, Unspill16, UnspillLink, UnspillMultichannel, UnspillTrack};
use crate::ensembles::{ENSEMBLES, Ensemble};
use crate::guard::{clap, vst3};
use crate::plugin::Unspill;

/// The classes, in the order hosts list them.
static CLAP_CLASSES: [clap::ClapClass; 5] = [
    clap::ClapClass::of::<Unspill<Unspill8>>(),
    clap::ClapClass::of::<Unspill<Unspill16>>(),
    clap::ClapClass::of::<Unspill<UnspillMultichannel>>(),
    clap::ClapClass::of::<Unspill<UnspillTrack>>(),
    clap::ClapClass::of::<Unspill<UnspillLink>>(),
];

static VST3_CLASSES: [vst3::Vst3Class; 5] = [
    vst3::Vst3Class::of::<Unspill<Unspill8>>(),
    vst3::Vst3Class::of::<Unspill<Unspill16>>(),
    vst3::Vst3Class::of::<Unspill<UnspillMultichannel>>(),
    vst3::Vst3Class::of::<Unspill<UnspillTrack>>(),
    vst3::Vst3Class::of::<Unspill<UnspillLink>>(),
];

static CLAP_FACTORY: clap::Factory = clap::Factory::new(&CLAP_CLASSES);

static CLAP_DISCOVERY: clap::Discovery = clap::Discovery::new(presets);

/// Returns every ensemble, each with the classes that have all of its mics.
fn presets() -> Vec<clap::FactoryPreset> {
    let preset = |ensemble: &Ensemble| clap::FactoryPreset {
        key: ensemble.key.to_owned(),
        name: ensemble.name.to_owned(),
        description: ensemble.lines().collect::<Vec<_>>().join("\n"),
        plugin_ids: (ALL.iter())
            .filter(|class| class.num_strips >= ensemble.mics.len())
            .map(|class| class.clap_id)
            .collect(),
    };
    ENSEMBLES.iter().map(preset).collect()
}

#[unsafe(no_mangle)]
#[used]
#[allow(non_upper_case_globals, reason = "CLAP names it")]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(clap_init),
    deinit: Some(clap_deinit),
    get_factory: Some(clap_get_factory),
};

unsafe extern "C" fn clap_init(_path: *const c_char) -> bool {
    true
}

unsafe extern "C" fn clap_deinit() {}

unsafe extern "C" fn clap_get_factory(id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: not null, and a string of the host.
    match unsafe { CStr::from_ptr(id) } {
        id if id == CLAP_PLUGIN_FACTORY_ID => CLAP_FACTORY.as_ptr().cast(),
        id if [CLAP_PRESET_DISCOVERY_FACTORY_ID, CLAP_PRESET_DISCOVERY_FACTORY_ID_COMPAT]
            .contains(&id) =>
        {
            CLAP_DISCOVERY.as_ptr().cast()
        }
        _ => std::ptr::null(),
    }
}

#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "VST3 names it")]
pub extern "system" fn GetPluginFactory() -> *mut c_void {
    vst3::Factory::export(&VST3_CLASSES)
}

#[cfg(all(target_family = "unix", not(target_os = "macos")))]
mod module {
    use std::ffi::c_void;

    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "VST3 names it")]
    pub extern "C" fn ModuleEntry(_library: *mut c_void) -> bool {
        true
    }

    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "VST3 names it")]
    pub extern "C" fn ModuleExit() -> bool {
        true
    }
}

#[cfg(target_os = "macos")]
mod module {
    use std::ffi::c_void;

    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "VST3 names it")]
    pub extern "C" fn bundleEntry(_bundle: *mut c_void) -> bool {
        true
    }

    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "VST3 names it")]
    pub extern "C" fn bundleExit() -> bool {
        true
    }
}

#[cfg(target_os = "windows")]
mod module {
    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "VST3 names it")]
    pub extern "system" fn InitDll() -> bool {
        true
    }

    #[unsafe(no_mangle)]
    #[allow(non_snake_case, reason = "VST3 names it")]
    pub extern "system" fn ExitDll() -> bool {
        true
    }
}

#[allow(unreachable_pub, reason = "exported by name")]
pub use module::*;

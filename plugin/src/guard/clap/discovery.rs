//! The CLAP factory that lists the plugin's presets before any instance exists.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::ffi::{CStr, CString, c_char, c_void};

use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
    clap_preset_discovery_factory, clap_preset_discovery_indexer, clap_preset_discovery_location,
    clap_preset_discovery_location_kind, clap_preset_discovery_metadata_receiver,
    clap_preset_discovery_provider, clap_preset_discovery_provider_descriptor,
};
use clap_sys::universal_plugin_id::clap_universal_plugin_id;
use clap_sys::version::CLAP_VERSION;

use crate::guard::panics::shield;

/// A preset that comes with the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactoryPreset {
    /// Key by which hosts load it; permanent.
    pub key: String,
    /// Name that hosts show.
    pub name: String,
    /// Description, in a few lines.
    pub description: String,
    /// The CLAP ids of the classes that support it.
    pub plugin_ids: Vec<&'static str>,
}

/// The factory that a host gets from `clap_entry`; lives in a static.
#[repr(C)]
pub struct Discovery {
    /// First field, so that a pointer to it is a pointer to the whole.
    base: clap_preset_discovery_factory,
    presets: fn() -> Vec<FactoryPreset>,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery").finish_non_exhaustive()
    }
}

/// Permanent: hosts store it with the presets they have found.
const PROVIDER_ID: &CStr = c"audio.unspill.ensembles";

static DESCRIPTOR: clap_preset_discovery_provider_descriptor =
    clap_preset_discovery_provider_descriptor {
        clap_version: CLAP_VERSION,
        id: PROVIDER_ID.as_ptr(),
        name: c"Unspill ensembles".as_ptr(),
        vendor: c"Unspill".as_ptr(),
    };

/// The only provider.
#[repr(C)]
struct Provider {
    /// First field, so that a pointer to it is a pointer to the whole.
    base: clap_preset_discovery_provider,
    indexer: *const clap_preset_discovery_indexer,
    presets: fn() -> Vec<FactoryPreset>,
}

impl Discovery {
    /// Creates a factory for the presets that `presets` returns.
    #[must_use]
    pub const fn new(presets: fn() -> Vec<FactoryPreset>) -> Self {
        Self {
            base: clap_preset_discovery_factory {
                count: Some(count),
                get_descriptor: Some(get_descriptor),
                create: Some(create),
            },
            presets,
        }
    }

    /// Returns the factory's pointer for hosts.
    #[must_use]
    pub fn as_ptr(&'static self) -> *const clap_preset_discovery_factory {
        std::ptr::from_ref(self).cast()
    }
}

unsafe extern "C" fn count(_factory: *const clap_preset_discovery_factory) -> u32 {
    1
}

unsafe extern "C" fn get_descriptor(
    _factory: *const clap_preset_discovery_factory,
    index: u32,
) -> *const clap_preset_discovery_provider_descriptor {
    if index == 0 { &raw const DESCRIPTOR } else { std::ptr::null() }
}

unsafe extern "C" fn create(
    factory: *const clap_preset_discovery_factory,
    indexer: *const clap_preset_discovery_indexer,
    provider_id: *const c_char,
) -> *const clap_preset_discovery_provider {
    shield(std::ptr::null(), || {
        // SAFETY: null or a pointer from `as_ptr`.
        let factory = unsafe { factory.cast::<Discovery>().as_ref() };
        let is_ours = !provider_id.is_null()
            // SAFETY: not null, and a string of the host.
            && unsafe { CStr::from_ptr(provider_id) } == PROVIDER_ID;
        let Some(factory) = factory.filter(|_| is_ours && !indexer.is_null()) else {
            return std::ptr::null();
        };
        let provider = Box::new(Provider {
            base: clap_preset_discovery_provider {
                desc: &raw const DESCRIPTOR,
                provider_data: std::ptr::null_mut(),
                init: Some(init),
                destroy: Some(destroy),
                get_metadata: Some(get_metadata),
                get_extension: Some(get_extension),
            },
            indexer,
            presets: factory.presets,
        });
        Box::into_raw(provider).cast_const().cast()
    })
}

/// Declares the location of the presets: the plugin itself.
unsafe extern "C" fn init(provider: *const clap_preset_discovery_provider) -> bool {
    shield(false, || {
        // SAFETY: null or a provider from `create` that is not destroyed; its indexer lives
        // as long.
        let indexer = unsafe { provider.cast::<Provider>().as_ref() }.map(|this| this.indexer);
        // SAFETY: as above.
        let declare = indexer.and_then(|indexer| unsafe { (*indexer).declare_location });
        let location = clap_preset_discovery_location {
            flags: CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT,
            name: c"Ensembles".as_ptr(),
            kind: CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
            location: std::ptr::null(),
        };
        // SAFETY: a live indexer, and a location that outlives the call.
        declare
            .zip(indexer)
            .is_some_and(|(declare, indexer)| unsafe { declare(indexer, &raw const location) })
    })
}

unsafe extern "C" fn destroy(provider: *const clap_preset_discovery_provider) {
    if !provider.is_null() {
        // SAFETY: made by `Box::into_raw` in `create`, and the host does not use it after
        // this call.
        drop(unsafe { Box::from_raw(provider.cast_mut().cast::<Provider>()) });
    }
}

unsafe extern "C" fn get_extension(
    _provider: *const clap_preset_discovery_provider,
    _id: *const c_char,
) -> *const c_void {
    std::ptr::null()
}

unsafe extern "C" fn get_metadata(
    provider: *const clap_preset_discovery_provider,
    kind: clap_preset_discovery_location_kind,
    _location: *const c_char,
    receiver: *const clap_preset_discovery_metadata_receiver,
) -> bool {
    shield(false, || {
        // SAFETY: null or a provider from `create` that is not destroyed.
        let Some(provider) = (unsafe { provider.cast::<Provider>().as_ref() }) else {
            return false;
        };
        // SAFETY: null or a live receiver.
        let Some(table) = (unsafe { receiver.as_ref() }) else { return false };
        if kind != CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN {
            return false;
        }
        for preset in (provider.presets)() {
            // SAFETY: a live receiver and its own table.
            if unsafe { describe(receiver, table, preset) }.is_none() {
                // The host accepts no more presets.
                break;
            }
        }
        true
    })
}

/// Sends one preset to a host. Returns `None` if the host accepts no more presets or a text
/// contains a NUL.
///
/// # Safety
///
/// `table` is the table of the live `receiver`.
unsafe fn describe(
    receiver: *const clap_preset_discovery_metadata_receiver,
    table: &clap_preset_discovery_metadata_receiver,
    preset: FactoryPreset,
) -> Option<()> {
    let text = |text: String| CString::new(text).ok();
    let (name, key) = (text(preset.name)?, text(preset.key)?);
    let description = text(preset.description)?;
    // SAFETY: the caller guarantees a live receiver; the strings outlive the calls.
    unsafe {
        if !table.begin_preset?(receiver, name.as_ptr(), key.as_ptr()) {
            return None;
        }
        if let Some(add) = table.add_plugin_id {
            for id in preset.plugin_ids {
                let id = CString::new(id).ok()?;
                let id = clap_universal_plugin_id { abi: c"clap".as_ptr(), id: id.as_ptr() };
                add(receiver, &raw const id);
            }
        }
        if let Some(set) = table.set_flags {
            set(receiver, CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT);
        }
        if let Some(add) = table.add_creator {
            add(receiver, c"Unspill".as_ptr());
        }
        if let Some(set) = table.set_description {
            set(receiver, description.as_ptr());
        }
        if let Some(add) = table.add_feature {
            add(receiver, c"restoration".as_ptr());
        }
    }
    Some(())
}

//! The CLAP factory: lists the classes and creates guarded instances.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

use clap_sys::factory::plugin_factory::clap_plugin_factory;
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use nice_plug::wrapper::clap::PluginDescriptor;

use super::plugin;
use crate::guard::panics::shield;
use crate::guard::{Guardable, Inside};

/// One class of the binary.
#[derive(Clone, Copy, Debug)]
pub struct ClapClass {
    descriptor: fn() -> PluginDescriptor,
    create: unsafe fn(*const clap_host) -> *const clap_plugin,
}

impl ClapClass {
    /// Describes the class of the plugin `P`, behind the guard.
    #[must_use]
    pub const fn of<P: Guardable>() -> Self {
        Self { descriptor: PluginDescriptor::for_plugin::<Inside<P>>, create: plugin::create::<P> }
    }
}

/// The factory that a host gets from `clap_entry`; lives in a static.
#[repr(C)]
pub struct Factory {
    /// First field, so that a pointer to it is a pointer to the whole.
    base: clap_plugin_factory,
    classes: &'static [ClapClass],
    descriptors: OnceLock<Vec<PluginDescriptor>>,
}

impl std::fmt::Debug for Factory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factory").field("classes", &self.classes).finish_non_exhaustive()
    }
}

impl Factory {
    /// Creates a factory for `classes`.
    #[must_use]
    pub const fn new(classes: &'static [ClapClass]) -> Self {
        Self {
            base: clap_plugin_factory {
                get_plugin_count: Some(get_plugin_count),
                get_plugin_descriptor: Some(get_plugin_descriptor),
                create_plugin: Some(create_plugin),
            },
            classes,
            descriptors: OnceLock::new(),
        }
    }

    /// Returns the factory's pointer for hosts.
    #[must_use]
    pub fn as_ptr(&'static self) -> *const clap_plugin_factory {
        std::ptr::from_ref(self).cast()
    }

    fn descriptors(&self) -> &[PluginDescriptor] {
        self.descriptors
            .get_or_init(|| self.classes.iter().map(|class| (class.descriptor)()).collect())
    }
}

/// Returns the factory of a host's pointer.
///
/// # Safety
///
/// `base` is null or comes from [`Factory::as_ptr`].
unsafe fn this(base: *const clap_plugin_factory) -> Option<&'static Factory> {
    // SAFETY: `base` is the first field of a `#[repr(C)]` struct that lives in a static.
    unsafe { base.cast::<Factory>().as_ref() }
}

unsafe extern "C" fn get_plugin_count(base: *const clap_plugin_factory) -> u32 {
    shield(0, || {
        // SAFETY: the host returns the pointer that it got.
        unsafe { this(base) }.map_or(0, |factory| u32::try_from(factory.classes.len()).unwrap_or(0))
    })
}

unsafe extern "C" fn get_plugin_descriptor(
    base: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    let descriptor = shield(None, || {
        // SAFETY: as above.
        let descriptor = unsafe { this(base) }?.descriptors().get(index as usize)?;
        Some(std::ptr::from_ref(descriptor.clap_plugin_descriptor()))
    });
    descriptor.unwrap_or(std::ptr::null())
}

unsafe extern "C" fn create_plugin(
    base: *const clap_plugin_factory,
    host: *const clap_host,
    plugin_id: *const c_char,
) -> *const clap_plugin {
    shield(std::ptr::null(), || {
        if host.is_null() || plugin_id.is_null() {
            return std::ptr::null();
        }
        // SAFETY: as above; the id is a string of the host.
        let (factory, id) = unsafe { (this(base), CStr::from_ptr(plugin_id)) };
        let Some(factory) = factory else {
            return std::ptr::null();
        };
        let index = factory.descriptors().iter().position(|one| one.clap_id() == id);
        // SAFETY: the host outlives the plugins that it creates.
        index.map_or(std::ptr::null(), |index| unsafe { (factory.classes[index].create)(host) })
    })
}

//! A loaded CLAP library between the initialisation of its entry point and its unloading.

use std::ffi::CString;
use std::path::Path;
use std::ptr::NonNull;

use anyhow::{Context, Result, ensure};
use clap_sys::entry::clap_plugin_entry;
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::version::clap_version_is_compatible;
use libloading::Library;

use super::required;

/// The initialised entry point, deinitialised and unloaded on drop.
pub(super) struct Loaded {
    entry: NonNull<clap_plugin_entry>,
    factory: NonNull<clap_plugin_factory>,
    /// Last, so that the code stays loaded until all other fields are dropped.
    _library: Library,
}

impl Loaded {
    /// Loads `library`; `bundle` is the path passed to the plugin.
    pub(super) fn load(library: &Path, bundle: &Path) -> Result<Self> {
        // SAFETY: loading runs the library's constructors; the user requested this plugin.
        let library = unsafe { Library::new(library) }?;
        // SAFETY: `clap_entry` is a static of this type in every CLAP library.
        let entry = unsafe { library.get::<*const clap_plugin_entry>(b"clap_entry\0") }
            .context("no clap_entry")?;
        let entry = NonNull::new(entry.cast_mut()).context("clap_entry is null")?;
        // SAFETY: a valid static that lives as long as the library.
        let table = unsafe { entry.as_ref() };
        ensure!(
            clap_version_is_compatible(table.clap_version),
            "CLAP version {:?} is too old",
            table.clap_version
        );
        let bundle = CString::new(bundle.as_os_str().as_encoded_bytes())?;
        let init = required(table.init, "entry.init")?;
        // SAFETY: called once, with a terminated string.
        ensure!(unsafe { init(bundle.as_ptr()) }, "the initialisation of the entry point failed");
        let get_factory = required(table.get_factory, "entry.get_factory")?;
        // SAFETY: initialised above; the id is a terminated string.
        let factory = unsafe { get_factory(CLAP_PLUGIN_FACTORY_ID.as_ptr()) };
        let factory = NonNull::new(factory.cast_mut().cast::<clap_plugin_factory>())
            .context("no plugin factory")?;
        Ok(Self { entry, factory, _library: library })
    }

    pub(super) fn factory(&self) -> NonNull<clap_plugin_factory> {
        self.factory
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: the library is still loaded.
        if let Some(deinit) = unsafe { self.entry.as_ref() }.deinit {
            // SAFETY: pairs with the one `init`; no instance is left.
            unsafe { deinit() };
        }
    }
}

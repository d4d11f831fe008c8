//! A loaded CLAP library and its plugin factory.

use std::ffi::CString;
use std::path::Path;
use std::ptr::NonNull;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use clap_sys::entry::clap_plugin_entry;
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::version::clap_version_is_compatible;
use libloading::Library;

use super::odd::OddClap;
use super::{ClapInstance, required, text};
use crate::model::ClassInfo;

/// A loaded library, unloaded with the last instance.
pub(crate) struct ClapModule {
    loaded: Rc<Loaded>,
}

/// The initialised entry point, deinitialised and unloaded on drop.
pub(super) struct Loaded {
    entry: NonNull<clap_plugin_entry>,
    factory: NonNull<clap_plugin_factory>,
    /// Last, so that the code stays loaded until all other fields are dropped.
    _library: Library,
}

impl ClapModule {
    /// Loads `library`; `bundle` is the path passed to the plugin.
    pub(crate) fn load(library: &Path, bundle: &Path) -> Result<Self> {
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
        Ok(Self { loaded: Rc::new(Loaded { entry, factory, _library: library }) })
    }

    pub(crate) fn classes(&self) -> Result<Vec<ClassInfo>> {
        let factory = self.loaded.factory;
        // SAFETY: valid while `loaded` lives.
        let table = unsafe { factory.as_ref() };
        let count = required(table.get_plugin_count, "factory.get_plugin_count")?;
        let describe = required(table.get_plugin_descriptor, "factory.get_plugin_descriptor")?;
        // SAFETY: the function belongs to this factory.
        let count = unsafe { count(factory.as_ptr()) };
        (0..count)
            .map(|index| {
                // SAFETY: `index` is below the count.
                let descriptor = unsafe { describe(factory.as_ptr(), index) };
                // SAFETY: a descriptor lives as long as its library, or is null.
                let descriptor = unsafe { descriptor.as_ref() }
                    .with_context(|| format!("no description of class {index} of {count}"))?;
                let mut features = Vec::new();
                let mut feature = descriptor.features;
                // SAFETY: the list is null or ends with a null pointer.
                while let Some(&name) = unsafe { feature.as_ref() }.filter(|name| !name.is_null()) {
                    // SAFETY: not null, and terminated; the next entry exists.
                    unsafe {
                        features.push(text(name));
                        feature = feature.add(1);
                    }
                }
                // SAFETY: both are terminated strings or null.
                let (id, name) = unsafe { (text(descriptor.id), text(descriptor.name)) };
                Ok(ClassInfo { id, name, features })
            })
            .collect()
    }

    pub(crate) fn instantiate(&self, class: &ClassInfo) -> Result<ClapInstance> {
        ClapInstance::create(Rc::clone(&self.loaded), class)
    }

    pub(crate) fn odd(&self, class: &ClassInfo, window: Option<u32>) -> Result<OddClap> {
        OddClap::create(Rc::clone(&self.loaded), class, window)
    }
}

impl Loaded {
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

//! The plugin factory of a CLAP library.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};

use super::loaded::Loaded;
use super::odd::OddClap;
use super::{ClapInstance, required, text};
use crate::model::ClassInfo;

/// A loaded library, unloaded with the last instance.
pub(crate) struct ClapModule {
    loaded: Rc<Loaded>,
}

impl ClapModule {
    /// Loads `library`; `bundle` is the path passed to the plugin.
    pub(crate) fn load(library: &Path, bundle: &Path) -> Result<Self> {
        Ok(Self { loaded: Rc::new(Loaded::load(library, bundle)?) })
    }

    pub(crate) fn classes(&self) -> Result<Vec<ClassInfo>> {
        let factory = self.loaded.factory();
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

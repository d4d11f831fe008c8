//! A loaded VST3 library between its entry and exit functions, and the objects that it creates.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libloading::Library;
use vst3::Steinberg::{IPluginFactory, IPluginFactoryTrait, TUID};
use vst3::{ComPtr, Interface};

use super::ok;

/// Names of the entry and exit functions of a library on each system.
#[cfg(target_os = "linux")]
const ENTRY_AND_EXIT: [&str; 2] = ["ModuleEntry", "ModuleExit"];
#[cfg(target_os = "macos")]
const ENTRY_AND_EXIT: [&str; 2] = ["bundleEntry", "bundleExit"];
#[cfg(target_os = "windows")]
const ENTRY_AND_EXIT: [&str; 2] = ["InitDll", "ExitDll"];

/// The initialised library; its exit function runs on drop.
pub(super) struct Loaded {
    /// `None` only while dropping: the factory must be released before the exit function runs.
    factory: Option<ComPtr<IPluginFactory>>,
    library: Library,
}

impl Loaded {
    pub(super) fn load(library: &Path) -> Result<Self> {
        // SAFETY: loading runs the library's constructors; the user requested this plugin.
        let library = unsafe { Library::new(library) }?;
        let entered = enter(&library)?;
        ensure!(entered, "{} failed", ENTRY_AND_EXIT[0]);
        let mut loaded = Self { factory: None, library };
        // SAFETY: every VST3 library exports this function with this type.
        let factory = unsafe {
            let get = loaded
                .library
                .get::<unsafe extern "system" fn() -> *mut IPluginFactory>(b"GetPluginFactory\0")
                .context("no GetPluginFactory")?;
            ComPtr::from_raw(get())
        };
        loaded.factory = Some(factory.context("the class factory is null")?);
        Ok(loaded)
    }

    pub(super) fn factory(&self) -> Result<&ComPtr<IPluginFactory>> {
        self.factory.as_ref().context("the library is being unloaded")
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        drop(self.factory.take());
        type Exit = unsafe extern "system" fn() -> bool;
        // SAFETY: every VST3 library exports this function with this type.
        if let Ok(exit) = unsafe { self.library.get::<Exit>(ENTRY_AND_EXIT[1]) } {
            // SAFETY: pairs with the one entry call; nothing of the library is in use any more.
            unsafe { exit() };
        }
    }
}

/// Calls the entry function, which may be missing on Windows.
fn enter(library: &Library) -> Result<bool> {
    // The argument is the library's handle on Linux and the bundle on macOS, with which plugins
    // find files beside themselves. Null means that there are none.
    type Entry = unsafe extern "system" fn(*mut std::ffi::c_void) -> bool;
    // SAFETY: every VST3 library exports this function with this type (Windows passes no argument,
    // which the calling convention allows).
    match unsafe { library.get::<Entry>(ENTRY_AND_EXIT[0]) } {
        // SAFETY: called once.
        Ok(entry) => Ok(unsafe { entry(std::ptr::null_mut()) }),
        Err(_) if cfg!(target_os = "windows") => Ok(true),
        Err(error) => Err(error).with_context(|| format!("no {}", ENTRY_AND_EXIT[0])),
    }
}

/// Formats 16 bytes as hexadecimal digits.
pub(super) fn hex_of(id: &TUID) -> String {
    id.iter().map(|byte| format!("{:02X}", byte.to_ne_bytes()[0])).collect()
}

/// Parses 32 hexadecimal digits into 16 bytes.
pub(super) fn id_of(hex: &str) -> Result<TUID> {
    let mut id: TUID = [0; 16];
    ensure!(hex.len() == 32 && hex.is_ascii(), "{hex:?} is not a VST3 class id");
    for (index, byte) in id.iter_mut().enumerate() {
        let value = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16)?;
        *byte = std::ffi::c_char::from_ne_bytes([value]);
    }
    Ok(id)
}

/// Creates an object of a class with the interface `I`.
pub(super) fn create_object<I: Interface>(loaded: &Loaded, class: &TUID) -> Result<ComPtr<I>> {
    let mut object = std::ptr::null_mut();
    // SAFETY: both ids have 16 bytes; the object has the requested interface.
    unsafe {
        let result = loaded.factory()?.createInstance(
            class.as_ptr(),
            I::IID.as_ptr().cast(),
            &raw mut object,
        );
        ok(result, "createInstance")?;
        ComPtr::from_raw(object.cast::<I>()).context("createInstance returned null")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_id_survives_as_hexadecimal_digits() {
        let hex = "00017F80FFABCDEF0123456789ABCDEF";
        assert_eq!(hex_of(&id_of(hex).unwrap()), hex);
        assert!(id_of("xyz").is_err());
    }
}

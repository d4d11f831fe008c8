//! Calls that no real host needs: unknown names, and additional short-lived instances.

use std::ptr::null;

use anyhow::{Result, ensure};
use clap_sys::ext::latency::CLAP_EXT_LATENCY;

use super::super::call::call;
use super::super::required;
use super::{OddClap, new_instance};

impl OddClap {
    pub(super) fn unknown(&self, choice: u32) -> Result<()> {
        let id = match choice % 4 {
            0 => c"clap.unspill-has-none-of-this",
            1 => c"",
            2 => c"clap.params.more",
            _ => CLAP_EXT_LATENCY,
        };
        let table = call!(self, self.table(), get_extension, id.as_ptr());
        ensure!(
            table.is_null() || id == CLAP_EXT_LATENCY,
            "the unknown extension {id:?} was returned"
        );
        if choice % 4 == 1 {
            ensure!(
                call!(self, self.table(), get_extension, null()).is_null(),
                "an extension without a name was returned"
            );
        }
        let factory = self.loaded.factory();
        // SAFETY: the factory lives as long as `loaded`.
        let create = required(unsafe { factory.as_ref() }.create_plugin, "create_plugin")?;
        // SAFETY: a live factory and host.
        let made = unsafe { create(factory.as_ptr(), self.host.raw(), c"unspill.nobody".as_ptr()) };
        ensure!(made.is_null(), "an instance of an unknown class was created");
        Ok(())
    }

    pub(super) fn another(&self, num_inits: u32) -> Result<()> {
        let other = new_instance(&self.loaded, &self.host, &self.class)?;
        // SAFETY: alive until it is destroyed.
        let table = unsafe { *other.as_ptr() };
        for _ in 0..num_inits {
            // SAFETY: alive, as above.
            unsafe { required(table.init, "init")?(other.as_ptr()) };
        }
        // SAFETY: alive, as above, and never used again.
        unsafe { required(table.destroy, "destroy")?(other.as_ptr()) };
        Ok(())
    }
}

//! Where tensors are computed: the one place that names the tensor library's devices.

use anyhow::{Result, bail};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// A kind of device, by its name in a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceName {
    /// The CPU, always there, and the only one that repeats to the last bit.
    #[default]
    Flex,
    /// A GPU by Vulkan, Metal or `DirectX`; needs the lab's feature `wgpu`.
    Wgpu,
    /// An NVIDIA GPU; needs the lab's feature `cuda`.
    Cuda,
}

impl DeviceName {
    /// The device, without autodiff.
    ///
    /// # Errors
    ///
    /// When this lab was built without it.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Flex => Ok(Device::flex()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "cuda")]
            Self::Cuda => Ok(Device::cuda(0_usize)),
            #[allow(unreachable_patterns, reason = "all are there when all features are on")]
            other => {
                let name = format!("{other:?}").to_lowercase();
                bail!(
                    "this lab was built without device {name}; \
                     `cargo run --release -p lab --features {name} -- train …` has it"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there_and_others_say_what_they_need() {
        assert!(DeviceName::Flex.open().is_ok());
        if !cfg!(feature = "cuda") {
            let line = DeviceName::Cuda.open().unwrap_err().to_string();
            assert!(line.contains("--features cuda"), "{line}");
        }
    }
}

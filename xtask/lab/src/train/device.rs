//! Devices that compute tensors, by their names in a configuration.

use anyhow::{Result, bail, ensure};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// A kind of device, by its name in a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceName {
    /// The CPU: always available, and the only device with bit-exact results.
    #[default]
    Flex,
    /// The CPU with another library; needs the lab's feature `ndarray`.
    Ndarray,
    /// A GPU with Vulkan, Metal or `DirectX`; needs the lab's feature `wgpu`.
    Wgpu,
    /// An NVIDIA GPU; needs the lab's feature `cuda`.
    Cuda,
}

impl DeviceName {
    /// Opens `count` devices of this kind, without autodiff. The CPU, of which there is one, is
    /// returned `count` times.
    ///
    /// # Errors
    ///
    /// Returns an error if this lab was built without the kind, or if there are fewer devices.
    pub fn open(self, count: usize) -> Result<Vec<Device>> {
        let devices = match self {
            Self::Flex => vec![Device::flex(); count],
            #[cfg(feature = "ndarray")]
            #[allow(deprecated, reason = "the tensor library would rather have everybody use flex")]
            Self::Ndarray => vec![Device::ndarray(); count],
            #[cfg(feature = "wgpu")]
            Self::Wgpu if count == 1 => vec![Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)],
            #[cfg(feature = "wgpu")]
            Self::Wgpu => first(count, burn::tensor::DeviceType::Wgpu),
            #[cfg(feature = "cuda")]
            Self::Cuda if count == 1 => vec![Device::cuda(0_usize)],
            #[cfg(feature = "cuda")]
            Self::Cuda => first(count, burn::tensor::DeviceType::Cuda),
            #[allow(unreachable_patterns, reason = "all are there when all features are on")]
            other => {
                let name = format!("{other:?}").to_lowercase();
                bail!(
                    "this build does not support device {name}; \
                     use `cargo run --release -p lab --features {name} -- train …`"
                )
            }
        };
        let found = devices.len();
        ensure!(found == count, "devices = {count}, but {found} were found");
        Ok(devices)
    }

    /// Returns true for the CPU, whose cores compute one clip each.
    pub(super) fn is_processor(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray)
    }
}

/// Returns the first `count` devices of a kind, or all if there are fewer.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first(count: usize, kind: burn::tensor::DeviceType) -> Vec<Device> {
    Device::enumerate(kind).into_vec().into_iter().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there_and_others_say_what_they_need() {
        assert_eq!(DeviceName::Flex.open(2).unwrap().len(), 2);
        if !cfg!(feature = "cuda") {
            let line = DeviceName::Cuda.open(1).unwrap_err().to_string();
            assert!(line.contains("--features cuda"), "{line}");
        }
    }
}

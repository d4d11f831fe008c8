//! Calls that no real host needs: speakers that fit no bus, unknown names, and additional
//! short-lived instances.

use anyhow::{Result, ensure};
use vst3::Steinberg::Vst::{IAudioProcessorTrait, IComponent, IUnitInfoTrait};
use vst3::Steinberg::{IPluginBaseTrait, IPluginFactoryTrait, TUID, kResultOk};
use vst3::{ComPtr, Interface};

use super::super::loaded::create_object;
use super::OddVst3;
use crate::calls::Randomness;

impl OddVst3 {
    /// Requests a bus layout with random speakers, mostly with the plugin's number of buses.
    pub(super) fn layout(&self, choice: u64) -> Result<()> {
        let mut random = Randomness::new(choice);
        let mut list = |direction: i32| -> Result<Vec<u64>> {
            let mut channels = self.bus_channels(direction)?;
            if random.next().is_multiple_of(8) {
                channels.push(1);
            }
            let width = random.next();
            let speakers = channels.into_iter().map(|channels| match random.next() % 8 {
                0 => random.next(),
                1 => 0,
                _ if width.is_multiple_of(4) && channels > 0 => {
                    // 1, 2, 4, 8 or 16 speakers, on every such bus.
                    (1_u64 << (1 << ((width >> 8) % 5))) - 1
                }
                _ if channels == 1 => 1 << 19,
                _ => (1_u64 << channels.min(63)) - 1,
            });
            Ok(speakers.collect())
        };
        let (mut inputs, mut outputs) = (list(0)?, list(1)?);
        // SAFETY: both arrays have the given lengths.
        unsafe {
            self.processor.setBusArrangements(
                inputs.as_mut_ptr(),
                i32::try_from(inputs.len())?,
                outputs.as_mut_ptr(),
                i32::try_from(outputs.len())?,
            );
        }
        for direction in [-1, 0, 1, 7] {
            for index in [-1, 0, 3, 99] {
                let mut speakers = 0;
                // SAFETY: the speakers are writable.
                unsafe { self.processor.getBusArrangement(direction, index, &raw mut speakers) };
            }
        }
        Ok(())
    }

    pub(super) fn unknown(&self, choice: u32) -> Result<()> {
        let number = choice.cast_signed();
        let mut object = std::ptr::null_mut();
        let nobody: TUID = [7; 16];
        // SAFETY: ids of 16 bytes, a writable object pointer; any number is allowed.
        unsafe {
            let factory = self.loaded.factory()?;
            let iid = IComponent::IID.as_ptr().cast();
            let result = factory.createInstance(nobody.as_ptr(), iid, &raw mut object);
            ensure!(result != kResultOk, "an instance of an unknown class was created");
            let class = self.class.as_ptr();
            let result = factory.createInstance(class, nobody.as_ptr(), &raw mut object);
            ensure!(result != kResultOk, "an unknown interface was returned");
            let mut info = std::mem::zeroed();
            factory.getClassInfo(number, &raw mut info);
            if let Some(units) = &self.units {
                let (mut unit, mut list, mut name) =
                    (std::mem::zeroed(), std::mem::zeroed(), [0; 128]);
                units.getUnitCount();
                units.getUnitInfo(number, &raw mut unit);
                units.getProgramListCount();
                units.getProgramListInfo(number, &raw mut list);
                units.getProgramName(number, number, &raw mut name);
                units.hasProgramPitchNames(number, number);
                units.selectUnit(number);
                let mut id = 0;
                units.getUnitByBus(0, 0, number, number, &raw mut id);
            }
        }
        Ok(())
    }

    pub(super) fn another(&self, num_inits: u32) -> Result<()> {
        let other: ComPtr<IComponent> = create_object(&self.loaded, &self.class)?;
        for _ in 0..num_inits {
            self.initialise(&other)?;
        }
        for _ in 0..num_inits {
            // SAFETY: alive.
            unsafe { other.terminate() };
        }
        Ok(())
    }
}

//! The class factory of a VST3 library.

use std::path::Path;
use std::rc::Rc;

use anyhow::Result;
use vst3::Steinberg::{IPluginFactory2, IPluginFactory2Trait, IPluginFactoryTrait};

use super::loaded::{Loaded, hex_of};
use super::odd::OddVst3;
use super::{Vst3Instance, ok};
use crate::field_text::field_text;
use crate::model::ClassInfo;

/// Category of classes that process audio.
const AUDIO_MODULE_CLASS: &str = "Audio Module Class";

/// A loaded library, unloaded with the last instance.
pub(crate) struct Vst3Module {
    loaded: Rc<Loaded>,
}

impl Vst3Module {
    pub(crate) fn load(library: &Path) -> Result<Self> {
        Ok(Self { loaded: Rc::new(Loaded::load(library)?) })
    }

    pub(crate) fn classes(&self) -> Result<Vec<ClassInfo>> {
        let factory = self.loaded.factory()?;
        let factory2 = factory.cast::<IPluginFactory2>();
        // SAFETY: the factory is alive.
        let count = unsafe { factory.countClasses() };
        let mut classes = Vec::new();
        for index in 0..count {
            // SAFETY: plain data, for which zeros are valid; `index` is below the count.
            let (info, result) = unsafe {
                let mut info = std::mem::zeroed();
                let result = factory.getClassInfo(index, &raw mut info);
                (info, result)
            };
            ok(result, "getClassInfo")?;
            if field_text(&info.category) != AUDIO_MODULE_CLASS {
                continue;
            }
            let mut features = Vec::new();
            if let Some(factory2) = &factory2 {
                // SAFETY: as above.
                let (info, result) = unsafe {
                    let mut info = std::mem::zeroed();
                    let result = factory2.getClassInfo2(index, &raw mut info);
                    (info, result)
                };
                ok(result, "getClassInfo2")?;
                let text = field_text(&info.subCategories);
                features = text.split('|').map(str::to_owned).collect();
            }
            classes.push(ClassInfo {
                id: hex_of(&info.cid),
                name: field_text(&info.name),
                features,
            });
        }
        Ok(classes)
    }

    pub(crate) fn instantiate(&self, class: &ClassInfo) -> Result<Vst3Instance> {
        Vst3Instance::create(Rc::clone(&self.loaded), class)
    }

    pub(crate) fn odd(&self, class: &ClassInfo, window: Option<u32>) -> Result<OddVst3> {
        OddVst3::create(Rc::clone(&self.loaded), class, window)
    }
}

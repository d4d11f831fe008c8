//! Instances of the real classes in hosts of both formats, and their saved states.

use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use plugin::classes::{ALL, ClassDesc};
use plugin::entry::{GetPluginFactory, clap_entry};
use plugin::guard::param_id_hash;
use tempfile::TempDir;

use super::clap_host::ClapHost;
use super::host::{Host, TestBus};
use super::vst3_host::Vst3Host;

/// Returns the factory of the plugin's entry.
pub(super) fn clap_factory() -> *const clap_plugin_factory {
    // SAFETY: the entry as a host uses it.
    let factory = unsafe { clap_entry.get_factory.unwrap()(CLAP_PLUGIN_FACTORY_ID.as_ptr()) };
    assert!(!factory.is_null());
    factory.cast()
}

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().unwrap();
}

/// Makes linked instances of this thread find those of this thread only, and not those of other
/// tests.
pub(super) fn isolate() {
    FOLDER.with(|folder| plugin::linking::use_folder(Some(&folder.path().join("link"))));
}

pub(super) fn clap(class: &ClassDesc) -> ClapHost {
    isolate();
    ClapHost::from_factory(clap_factory(), class.clap_id)
}

pub(super) fn vst3(class: &ClassDesc) -> Vst3Host {
    isolate();
    let index = ALL.iter().position(|other| other.vst3_id == class.vst3_id).unwrap();
    // SAFETY: this call owns the factory's reference.
    unsafe { Vst3Host::from_factory(GetPluginFactory(), i32::try_from(index).unwrap()) }
}

/// Creates the class in both formats, each with its own host type.
pub(super) fn instances(class: &ClassDesc) -> (ClapHost, Vst3Host) {
    (clap(class), vst3(class))
}

/// Creates the class in both formats.
pub(super) fn both(class: &ClassDesc) -> [Box<dyn Host>; 2] {
    [Box::new(clap(class)), Box::new(vst3(class))]
}

/// Sets a parameter as the host.
pub(super) fn set(host: &dyn Host, id: &str, normalized: f64) {
    host.set_param(param_id_hash(id), normalized);
}

/// Returns the channel counts of a layout's buses, inputs and outputs.
pub(super) fn bus_channels(class: &ClassDesc, layout: usize) -> (Vec<usize>, Vec<usize>) {
    let layout = &class.layouts[layout];
    let count = |main: Option<std::num::NonZeroU32>, aux: &[std::num::NonZeroU32]| {
        main.iter().chain(aux).map(|channels| channels.get() as usize).collect()
    };
    (
        count(layout.main_input_channels, layout.aux_input_ports),
        count(layout.main_output_channels, layout.aux_output_ports),
    )
}

/// Creates the class in both formats with a layout selected by the host.
pub(super) fn select(class: &ClassDesc, layout: usize) -> [Box<dyn Host>; 2] {
    let (clap, vst3) = (clap(class), vst3(class));
    assert!(clap.select(u32::try_from(layout).unwrap()));
    let (inputs, outputs) = bus_channels(class, layout);
    let speakers = |channels: Vec<usize>| -> Vec<u64> {
        channels.iter().map(|&count| if count == 1 { 1 << 19 } else { (1 << count) - 1 }).collect()
    };
    assert!(vst3.arrange(speakers(inputs), speakers(outputs)));
    [Box::new(clap), Box::new(vst3)]
}

/// Returns a different ramp in every channel, so that swapped channels are detected.
pub(super) fn ramps(channels: &[usize], num_samples: usize, start: usize) -> Vec<TestBus> {
    let mut channel = 0;
    channels
        .iter()
        .map(|&count| {
            let make = |_| {
                channel += 1;
                let base = f32::from(u16::try_from(channel).unwrap());
                let ramp = (start..start + num_samples).map(|t| base + (t % 4096) as f32 / 8192.0);
                Some(ramp.collect())
            };
            TestBus { channels: (0..count).map(make).collect(), no_array: false }
        })
        .collect()
}

/// Returns the state without the length that the framework's CLAP states begin with.
pub(super) fn strip(bytes: &[u8]) -> &[u8] {
    if bytes.first() == Some(&b'{') { bytes } else { &bytes[8..] }
}

/// Returns a parameter in the state that the instance saves.
pub(super) fn saved_param(host: &dyn Host, id: &str) -> serde_json::Value {
    let saved: serde_json::Value = serde_json::from_slice(strip(&host.save())).unwrap();
    saved["params"][id].clone()
}

/// Adds the length that CLAP states begin with.
pub(super) fn with_length(json: &[u8]) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes(), json].concat()
}

/// Loads a state without that length.
pub(super) fn load(host: &dyn Host, is_clap: bool, json: &[u8]) -> bool {
    if is_clap { host.load(&with_length(json)) } else { host.load(json) }
}

//! Features of the plugin beyond the framework's: presets, ports that can be switched off, and the
//! track's name.

use std::ffi::{CStr, CString, c_char, c_void};

use clap_sys::ext::audio_ports_activation::*;
use clap_sys::ext::preset_load::*;
use clap_sys::ext::track_info::*;
use clap_sys::factory::preset_discovery::*;
use clap_sys::universal_plugin_id::clap_universal_plugin_id;
use clap_sys::version::CLAP_VERSION;
use plugin::classes::{ALL, Class as _, Unspill8, UnspillTrack};
use plugin::entry::clap_entry;
use plugin::guard::param_id_hash;
use vst3::Steinberg::Vst::ChannelContext::{IInfoListener, IInfoListenerTrait, kChannelNameKey};
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComWrapper};

use super::clap_host::{ClapHost, table};
use super::host::{Host, SetUp, TestBus};
use super::instances::instances;
use super::probes::{Probe, Sym};

/// All data that a host receives about one preset.
#[derive(Debug, Default, PartialEq)]
struct Told {
    name: String,
    key: String,
    plugin_ids: Vec<String>,
    flags: u32,
    creator: String,
    description: String,
    features: Vec<String>,
}

/// The plugin's declarations and descriptions.
#[derive(Default)]
struct Index {
    locations: Vec<(String, u32, u32, bool)>,
    presets: Vec<Told>,
    /// Number of presets that are accepted.
    room: usize,
}

fn text(from: *const c_char) -> String {
    // SAFETY: a string of the plugin.
    unsafe { CStr::from_ptr(from) }.to_str().unwrap().to_owned()
}

unsafe extern "C" fn declare_location(
    indexer: *const clap_preset_discovery_indexer,
    location: *const clap_preset_discovery_location,
) -> bool {
    // SAFETY: the indexer's data is an `Index`, and the location is the plugin's.
    let (index, location) = unsafe { (&mut *(*indexer).indexer_data.cast::<Index>(), &*location) };
    let is_null = location.location.is_null();
    index.locations.push((text(location.name), location.kind, location.flags, is_null));
    true
}

type Receiver = *const clap_preset_discovery_metadata_receiver;

/// Returns the index of a receiver.
///
/// # Safety
///
/// The receiver's data is an `Index`.
unsafe fn index<'a>(receiver: Receiver) -> &'a mut Index {
    // SAFETY: as the caller guarantees.
    unsafe { &mut *(*receiver).receiver_data.cast::<Index>() }
}

unsafe extern "C" fn begin_preset(
    receiver: Receiver,
    name: *const c_char,
    key: *const c_char,
) -> bool {
    // SAFETY: as above; so in all functions below.
    let index = unsafe { index(receiver) };
    let has_room = index.presets.len() < index.room;
    if has_room {
        let told = Told { name: text(name), key: text(key), ..Told::default() };
        index.presets.push(told);
    }
    has_room
}

unsafe extern "C" fn add_plugin_id(receiver: Receiver, id: *const clap_universal_plugin_id) {
    // SAFETY: as above.
    let (index, id) = unsafe { (index(receiver), &*id) };
    assert_eq!(text(id.abi), "clap");
    index.presets.last_mut().unwrap().plugin_ids.push(text(id.id));
}

unsafe extern "C" fn set_flags(receiver: Receiver, flags: u32) {
    // SAFETY: as above.
    unsafe { index(receiver) }.presets.last_mut().unwrap().flags = flags;
}

unsafe extern "C" fn add_creator(receiver: Receiver, creator: *const c_char) {
    // SAFETY: as above.
    unsafe { index(receiver) }.presets.last_mut().unwrap().creator = text(creator);
}

unsafe extern "C" fn set_description(receiver: Receiver, description: *const c_char) {
    // SAFETY: as above.
    unsafe { index(receiver) }.presets.last_mut().unwrap().description = text(description);
}

unsafe extern "C" fn add_feature(receiver: Receiver, feature: *const c_char) {
    // SAFETY: as above.
    unsafe { index(receiver) }.presets.last_mut().unwrap().features.push(text(feature));
}

/// Returns everything that the plugin sends to an indexer with room for `room` presets.
fn discover(room: usize) -> Index {
    let mut found = Index { room, ..Index::default() };
    let data: *mut c_void = (&raw mut found).cast();
    let indexer = clap_preset_discovery_indexer {
        clap_version: CLAP_VERSION,
        name: c"tests".as_ptr(),
        vendor: c"".as_ptr(),
        url: c"".as_ptr(),
        version: c"1".as_ptr(),
        indexer_data: data,
        declare_filetype: None,
        declare_location: Some(declare_location),
        declare_soundpack: None,
        get_extension: None,
    };
    let receiver = clap_preset_discovery_metadata_receiver {
        receiver_data: data,
        on_error: None,
        begin_preset: Some(begin_preset),
        add_plugin_id: Some(add_plugin_id),
        set_soundpack_id: None,
        set_flags: Some(set_flags),
        add_creator: Some(add_creator),
        set_description: Some(set_description),
        set_timestamps: None,
        add_feature: Some(add_feature),
        add_extra_info: None,
    };
    // SAFETY: the entry as a host uses it; everything lives until after the calls.
    unsafe {
        let get = clap_entry.get_factory.unwrap();
        let factory: *const clap_preset_discovery_factory =
            get(CLAP_PRESET_DISCOVERY_FACTORY_ID.as_ptr()).cast();
        assert_eq!(factory.cast(), get(CLAP_PRESET_DISCOVERY_FACTORY_ID_COMPAT.as_ptr()));
        let table = &*factory;
        assert_eq!(table.count.unwrap()(factory), 1);
        assert!(table.get_descriptor.unwrap()(factory, 1).is_null());
        let descriptor = &*table.get_descriptor.unwrap()(factory, 0);
        // Permanent: hosts store it.
        assert_eq!(text(descriptor.id), "audio.unspill.ensembles");
        let create = table.create.unwrap();
        assert!(create(factory, &raw const indexer, c"nobody".as_ptr()).is_null());
        assert!(create(factory, std::ptr::null(), descriptor.id).is_null());
        let provider = create(factory, &raw const indexer, descriptor.id);
        assert!((*provider).init.unwrap()(provider));
        assert!((*provider).get_extension.unwrap()(provider, c"any".as_ptr()).is_null());
        let describe = (*provider).get_metadata.unwrap();
        let (file, own) =
            (CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN);
        assert!(!describe(provider, file, c"/nowhere".as_ptr(), &raw const receiver));
        assert!(!describe(provider, own, std::ptr::null(), std::ptr::null()));
        assert!(describe(provider, own, std::ptr::null(), &raw const receiver));
        (*provider).destroy.unwrap()(provider);
    }
    found
}

#[test]
fn hosts_find_every_ensemble_with_the_classes_that_have_its_mics() {
    let found = discover(usize::MAX);
    let (kind, flags) =
        (CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT);
    assert_eq!(found.locations, [("Ensembles".to_owned(), kind, flags, true)]);
    let keys: Vec<_> = found.presets.iter().map(|preset| preset.key.as_str()).collect();
    let expected = ["drum-kit", "drum-kit-8", "band", "string-quartet", "choir", "podcast"];
    assert_eq!(keys, expected);
    let large = ALL.iter().filter(|class| class.num_strips >= 4);
    let all: Vec<_> = large.map(|class| class.clap_id.to_owned()).collect();
    let quartet = &found.presets[3];
    assert_eq!(
        *quartet,
        Told {
            name: "String quartet".to_owned(),
            key: "string-quartet".to_owned(),
            plugin_ids: all,
            flags,
            creator: "Unspill".to_owned(),
            description:
                "1  Strings\n2  Strings\n3  Strings\n4  Strings\n5  Room, group A\n6  Room, group A"
                    .to_owned(),
            features: vec!["restoration".to_owned()],
        }
    );
    // The first preset has twelve mics.
    assert!(!found.presets[0].plugin_ids.contains(&Unspill8::DESC.clap_id.to_owned()));
    assert_eq!(discover(2).presets.len(), 2, "a host that wants no more is told no more");
}

/// Loads a preset.
fn load(host: &ClapHost, kind: u32, key: Option<&str>) -> bool {
    let key = key.map(|key| CString::new(key).unwrap());
    let key = key.as_ref().map_or(std::ptr::null(), |key| key.as_ptr());
    let load = table::<clap_plugin_preset_load>(host, CLAP_EXT_PRESET_LOAD).from_location.unwrap();
    // SAFETY: a live plugin, and strings that outlive the call.
    unsafe { load(host.plugin, kind, std::ptr::null(), key) }
}

#[test]
fn a_preset_sets_labels_roles_groups_and_limits_and_the_host_is_told() {
    let mut host = instances(&Unspill8::DESC).0;
    let own = CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN;
    for is_active in [false, true] {
        for id in ["mic1_amount", "pair1_2", "mic1_instrument", "amount"] {
            host.set_param(param_id_hash(id), 0.5);
        }
        let before = (host.value_notices(), host.notices().0);
        assert!(load(&host, own, Some("string-quartet")));
        host.idle();
        for (id, text) in [
            ("mic1_instrument", "Strings"),
            ("mic5_instrument", "Room"),
            ("mic7_instrument", "Other"),
            ("mic4_role", "Close"),
            ("mic6_role", "Room"),
            ("mic5_group", "A"),
            ("mic1_group", "None"),
            ("mic2_floor", "-18.0 dB"),
            ("mic1_amount", "100.0 %"),
            ("pair1_2", "100.0 %"),
            // Ensembles do not change this parameter.
            ("amount", "50.0 %"),
        ] {
            let id_hash = param_id_hash(id);
            assert_eq!(host.param_text(id_hash, host.param(id_hash)), text, "{id}");
        }
        assert_eq!(host.value_notices(), before.0 + 1, "values, active: {is_active}");
        assert_eq!(host.notices().0, before.1 + 1, "names, active: {is_active}");
        assert!(is_active || host.activate(SetUp::default()));
    }
    let saved = host.save();
    for (kind, key) in [
        (own, Some("nobody")),
        (own, None),
        (CLAP_PRESET_DISCOVERY_LOCATION_FILE, Some("choir")),
        (77, Some("choir")),
    ] {
        assert!(!load(&host, kind, key), "{kind} {key:?}");
    }
    assert_eq!(host.save(), saved);
    let told = std::mem::take(&mut *host.told.presets.lock().unwrap());
    let keys = ["string-quartet", "string-quartet", "nobody", "", "choir", "choir"];
    let expected = keys.iter().enumerate().map(|(n, key)| (n < 2, (*key).to_owned()));
    assert_eq!(told, expected.collect::<Vec<_>>());
    Box::new(host).unload();
}

#[test]
fn every_preset_that_is_found_can_be_loaded() {
    let found = discover(usize::MAX).presets;
    for class in ALL {
        let host = instances(class).0;
        for preset in &found {
            assert!(load(&host, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, Some(&preset.key)));
        }
        Box::new(host).unload();
    }
}

#[test]
fn an_input_that_is_switched_off_is_silent_whatever_its_memory_holds() {
    let mut host = ClapHost::of::<Probe<Sym>>(true);
    let ports = table::<clap_plugin_audio_ports_activation>(&host, CLAP_EXT_AUDIO_PORTS_ACTIVATION);
    let compat = CLAP_EXT_AUDIO_PORTS_ACTIVATION_COMPAT;
    assert!(std::ptr::eq(ports, table(&host, compat)));
    let plugin = host.plugin;
    let switch = |is_input: bool, index: u32, on: bool, bits: u32| {
        // SAFETY: a live plugin.
        unsafe { ports.set_active.unwrap()(plugin, is_input, index, on, bits) }
    };
    // SAFETY: as above.
    assert!(unsafe { ports.can_activate_while_processing.unwrap()(plugin) });
    assert!(switch(true, 2, false, 0), "before the activation");
    assert!(host.activate(SetUp::default()));
    // The probe adds its inputs in powers of ten.
    let hear = |host: &ClapHost| {
        let bus = |value: f32| TestBus::filled(1, value, 64);
        let mut inputs = [bus(1.0), bus(2.0), bus(3.0), bus(4.0)];
        let mut outputs = [bus(9.0), bus(9.0), bus(9.0), bus(9.0)];
        assert!(host.process(&mut inputs, &mut outputs, 64, &[]));
        assert!(outputs.iter().all(|bus| bus.samples().iter().all(|&x| x == bus.samples()[0])));
        outputs.map(|bus| bus.samples()[0])
    };
    assert_eq!(hear(&host), [4021.0, 20.0, 0.0, 4000.0]);
    assert!(switch(true, 2, true, 32) && switch(true, 0, false, 32) && switch(false, 1, false, 0));
    assert_eq!(hear(&host), [4320.0, 20.0, 300.0, 4000.0]);
    for (is_input, index, bits) in
        [(true, 4, 32), (false, 4, 0), (true, u32::MAX, 0), (true, 1, 64)]
    {
        assert!(!switch(is_input, index, false, bits), "{is_input} {index} {bits}");
    }
    assert_eq!(hear(&host), [4320.0, 20.0, 300.0, 4000.0]);
    Box::new(host).unload();
}

#[test]
fn another_layout_begins_with_all_of_its_ports() {
    let host = ClapHost::of::<Probe<super::probes::Het>>(true);
    let ports = table::<clap_plugin_audio_ports_activation>(&host, CLAP_EXT_AUDIO_PORTS_ACTIVATION);
    // SAFETY: a live plugin.
    assert!(unsafe { ports.set_active.unwrap()(host.plugin, true, 1, false, 0) });
    assert!(host.select(1));
    let mut host = host;
    assert!(host.activate(SetUp::default()));
    let mut inputs = [TestBus::filled(1, 1.0, 64), TestBus::filled(1, 2.0, 64)];
    let mut outputs = [TestBus::output(1, 64)];
    assert!(host.process(&mut inputs, &mut outputs, 64, &[]));
    assert_eq!(outputs[0].samples()[0], 21.0);
    Box::new(host).unload();
}

/// A VST3 host's name of a track.
struct Track(Option<Vec<u16>>);

impl Class for Track {
    type Interfaces = (IAttributeList,);
}

impl IAttributeListTrait for Track {
    unsafe fn getString(
        &self,
        id: IAttributeList_::AttrID,
        string: *mut TChar,
        size_bytes: uint32,
    ) -> tresult {
        // SAFETY: NUL-terminated strings.
        let is_name = unsafe { CStr::from_ptr(id) == CStr::from_ptr(kChannelNameKey) };
        let Some(name) = self.0.as_ref().filter(|_| is_name) else { return kResultFalse };
        let room = size_bytes as usize / 2;
        for (place, &unit) in name.iter().take(room).enumerate() {
            // SAFETY: within the capacity.
            unsafe { string.add(place).write(unit) };
        }
        kResultOk
    }

    unsafe fn setInt(&self, _: IAttributeList_::AttrID, _: int64) -> tresult {
        kResultFalse
    }

    unsafe fn getInt(&self, _: IAttributeList_::AttrID, _: *mut int64) -> tresult {
        kResultFalse
    }

    unsafe fn setFloat(&self, _: IAttributeList_::AttrID, _: f64) -> tresult {
        kResultFalse
    }

    unsafe fn getFloat(&self, _: IAttributeList_::AttrID, _: *mut f64) -> tresult {
        kResultFalse
    }

    unsafe fn setString(&self, _: IAttributeList_::AttrID, _: *const TChar) -> tresult {
        kResultFalse
    }

    unsafe fn setBinary(&self, _: IAttributeList_::AttrID, _: *const c_void, _: uint32) -> tresult {
        kResultFalse
    }

    unsafe fn getBinary(
        &self,
        _: IAttributeList_::AttrID,
        _: *mut *const c_void,
        _: *mut uint32,
    ) -> tresult {
        kResultFalse
    }
}

#[test]
fn the_track_names_the_mic_of_a_class_that_has_one_and_hosts_read_it_once() {
    let (clap, vst3) = instances(&UnspillTrack::DESC);
    let listener = vst3.component.cast::<IInfoListener>().unwrap();
    let say_vst3 = |name: Option<&str>| {
        let units = name.map(|name| name.encode_utf16().chain([0]).collect());
        let track = ComWrapper::new(Track(units));
        let list = track.as_com_ref::<IAttributeList>().unwrap().as_ptr();
        // SAFETY: a live list.
        assert_eq!(unsafe { listener.setChannelContextInfos(list) }, kResultOk);
    };
    let changed = table::<clap_plugin_track_info>(&clap, CLAP_EXT_TRACK_INFO).changed.unwrap();
    assert!(std::ptr::eq(
        table::<clap_plugin_track_info>(&clap, CLAP_EXT_TRACK_INFO),
        table(&clap, CLAP_EXT_TRACK_INFO_COMPAT)
    ));
    let say_clap = |name: Option<&str>| {
        *clap.told.track.lock().unwrap() = name.map(str::to_owned);
        // SAFETY: a live plugin.
        unsafe { changed(clap.plugin) };
    };
    type Say<'a> = &'a dyn Fn(Option<&str>);
    let hosts: [(&dyn Host, Say<'_>); 2] = [(&clap, &say_clap), (&vst3, &say_vst3)];
    for (host, say) in hosts {
        let amount = param_id_hash("mic1_amount");
        let index = (0..host.num_params()).find(|&index| host.param_id(index) == Some(amount));
        let name = || host.param_name(index.unwrap()).unwrap();
        assert_eq!(name(), "Track Amount");
        let (saved, dirty) = (host.save(), host.dirty_notices());
        for _ in 0..2 {
            say(Some("Snare top"));
            host.idle();
            assert_eq!((name(), host.notices()), ("Snare top Amount".to_owned(), (1, 0)));
        }
        // A call without a name changes nothing.
        say(None);
        assert_eq!(name(), "Snare top Amount");
        // There is nothing to save either, because the host reports the name again.
        assert_eq!((host.save(), host.dirty_notices()), (saved, dirty));
        say(Some(""));
        assert_eq!(name(), "Track Amount");
    }
    // SAFETY: a live object, and a null list.
    assert_ne!(unsafe { listener.setChannelContextInfos(std::ptr::null_mut()) }, kResultOk);
    // A host with a name before the plugin's `init`.
    *clap.told.track.lock().unwrap() = Some("Bass".to_owned());
    // SAFETY: a live plugin.
    assert!(unsafe { (*clap.plugin).init.unwrap()(clap.plugin) });
    assert!((0..clap.num_params()).any(|n| clap.param_name(n).as_deref() == Some("Bass Amount")));
    drop(listener);
    Box::new(clap).unload();
    Box::new(vst3).unload();
}

//! Conversions of parameters between value and text.

use std::ffi::c_char;

use clap_sys::ext::params::*;
use plugin::classes::{Class as _, Unspill8, UnspillTrack};
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;

use super::clap_host::{self, ClapHost, table};
use super::host::Host;
use super::instances::instances;
use super::vst3_host::{self, Vst3Host};

/// Conversions of a parameter between value and text.
trait Texts: Host {
    fn text_of(&self, id: u32, normalized: f64) -> Option<String>;
    fn value_of(&self, id: u32, text: &str) -> Option<f64>;
}

impl Texts for ClapHost {
    fn text_of(&self, id: u32, normalized: f64) -> Option<String> {
        let params = table::<clap_plugin_params>(self, CLAP_EXT_PARAMS);
        let (value, mut string) = (normalized * self.max_value(id), [0 as c_char; 128]);
        // SAFETY: a live plugin and room for the text.
        let is_text = unsafe {
            params.value_to_text.unwrap()(self.plugin, id, value, string.as_mut_ptr(), 128)
        };
        is_text.then(|| clap_host::text(&string))
    }

    fn value_of(&self, id: u32, text: &str) -> Option<f64> {
        let params = table::<clap_plugin_params>(self, CLAP_EXT_PARAMS);
        let (text, mut value) = (std::ffi::CString::new(text).unwrap(), f64::NAN);
        // SAFETY: a live plugin and variables.
        let is_value = unsafe {
            params.text_to_value.unwrap()(self.plugin, id, text.as_ptr(), &raw mut value)
        };
        is_value.then_some(value / self.max_value(id))
    }
}

impl Texts for Vst3Host {
    fn text_of(&self, id: u32, normalized: f64) -> Option<String> {
        let mut string = [0; 128];
        // SAFETY: live variables.
        let result =
            unsafe { self.controller.getParamStringByValue(id, normalized, &raw mut string) };
        (result == kResultOk).then(|| vst3_host::text(&string))
    }

    fn value_of(&self, id: u32, text: &str) -> Option<f64> {
        let mut wide: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut value = f64::NAN;
        // SAFETY: live variables.
        let result =
            unsafe { self.controller.getParamValueByString(id, wide.as_mut_ptr(), &raw mut value) };
        (result == kResultOk).then_some(value)
    }
}

#[test]
fn every_text_is_read_as_the_value_that_it_was_written_for() {
    /// Texts have one decimal: a twentieth of a percent, or of a decibel in a range of eighty.
    /// Measured: 6.25e-4.
    const ALLOWED: f64 = 1e-3;
    for class in [&Unspill8::DESC, &UnspillTrack::DESC] {
        let (clap, vst3) = instances(class);
        for host in [&clap as &dyn Texts, &vst3] {
            for index in 0..host.num_params() {
                let id = host.param_id(index).unwrap();
                let (mut texts, mut last) = (std::collections::BTreeSet::new(), None);
                for step in 0..=40 {
                    let text = host.text_of(id, f64::from(step) / 40.0).unwrap();
                    let value = host.value_of(id, &text);
                    let value = value.unwrap_or_else(|| panic!("{text:?} of {index} is not read"));
                    assert_eq!(host.text_of(id, value).as_ref(), Some(&text), "{index}");
                    if texts.insert(text.clone()) {
                        assert_ne!(last.replace(value), Some(value), "{text:?} of {index}");
                    }
                    let is_number = texts.len() > 20;
                    let off = (value - f64::from(step) / 40.0).abs();
                    assert!(!is_number || off < ALLOWED, "{text:?} of {index} is off by {off}");
                }
                for text in ["nan", "NaN", "inf", "-inf", "1e999", "", " ", "no such choice"] {
                    assert_eq!(host.value_of(id, text), None, "{text:?} of {index}");
                }
                for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    assert_eq!(host.text_of(id, value), None, "{value} of {index}");
                }
                for (beyond, end) in [(-3.0, 0.0), (1e300, 1.0)] {
                    assert_eq!(host.text_of(id, beyond), host.text_of(id, end), "{index}");
                }
            }
            assert_eq!((host.text_of(12_345, 0.5), host.value_of(12_345, "1")), (None, None));
        }
    }
}

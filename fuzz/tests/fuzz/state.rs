//! The saved state of the plugin, loaded in the same way as by the framework.

use std::collections::BTreeMap;

use fuzz::{Outcome, Target};
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{Params, Plugin, PluginState};
use plugin::Unspill;
use plugin::classes::{Unspill8, UnspillTrack};

use crate::files;

const WORDS: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"1e39",
    b"-1e-45",
    b"\"learned\"",
    b"\"arrangement\"",
    b"\"editor\"",
    b"\"names\"",
    b"\\u0000",
];

/// Returns a state with all fields that are not parameters.
fn with_fields() -> Vec<u8> {
    let fields = BTreeMap::from(
        [
            ("format", "1"),
            ("model_id", "band-a"),
            ("model_version", "0.5.0"),
            ("editor", "[1180,760,1]"),
            (
                "arrangement",
                r#"{"names":{"1":"Kick","2":"Snare"},"order":[2,1,3],"links":[[1,2]]}"#,
            ),
            ("learned", "VW5zcGlsbEwDAAAA"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned())),
    );
    let params = BTreeMap::from([
        ("amount".to_owned(), ParamValue::F32(0.5)),
        ("bypass".to_owned(), ParamValue::Bool(true)),
        ("mode".to_owned(), ParamValue::String("mix".to_owned())),
    ]);
    let version = "0.1.0".to_owned();
    serde_json::to_vec(&PluginState { version, params, fields }).unwrap()
}

fn load<P: Plugin>(params: &dyn Params, input: &[u8]) -> Outcome {
    let mut state: PluginState = match serde_json::from_slice(input) {
        Ok(state) => state,
        // The framework writes this error to its log.
        Err(error) => return Outcome::Refused(error.to_string().escape_debug().to_string()),
    };
    P::filter_state(&mut state);
    for (id, value) in &state.params {
        let is_fine = match value {
            ParamValue::F32(number) => number.is_finite(),
            _ => true,
        };
        assert!(is_fine, "{id} is {value:?}");
    }
    params.deserialize_fields(&state.fields);
    let once = params.serialize_fields();
    params.deserialize_fields(&once);
    assert_eq!(params.serialize_fields(), once, "saved, loaded and saved again");
    let learned = once.contains_key("learned");
    Outcome::Accepted(format!("learned {learned}, {} fields", once.len()))
}

fn target(name: &str, cases: u64) -> Target<'_> {
    let mut seeds = files("plugin/tests/fixtures", ".json");
    seeds.push(with_fields());
    Target {
        name,
        seeds,
        words: &WORDS,
        mend: |_| (),
        base_bytes: 4 << 20,
        bytes_per_byte: 64,
        cases,
    }
}

#[test]
fn state() {
    let params = Unspill::<Unspill8>::default().params();
    let load = |input: &[u8]| load::<Unspill<Unspill8>>(&*params, input);
    let accepted = fuzz::run(&target("state", 1500), load);
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn track_state() {
    let params = Unspill::<UnspillTrack>::default().params();
    let load = |input: &[u8]| load::<Unspill<UnspillTrack>>(&*params, input);
    let accepted = fuzz::run(&target("track-state", 300), load);
    assert!(accepted > 20, "{accepted}");
}

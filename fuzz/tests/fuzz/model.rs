//! The weights of a network, and the card that describes it.

use std::borrow::Cow;

use burn::tensor::Device;
use engine::network::{MaskForm, Model, ModelSource, Network, NetworkConfig};
use fuzz::{Outcome, Target};
use sha2::{Digest, Sha256};

use crate::file;

/// The smallest network for the engine's 80 bands.
fn small(local_width: usize) -> NetworkConfig {
    NetworkConfig {
        num_bands: 80,
        num_features: 2,
        width: 2,
        exchange_width: 1,
        local_width,
        masks: MaskForm::Stretched,
        dilations: [1, 2, 4, 8, 1, 2],
    }
}

/// Returns random weights of the smallest network.
fn small_weights(local_width: usize) -> Vec<u8> {
    let device = Device::flex();
    device.seed(5);
    Network::new(&small(local_width), &device).to_safetensors().unwrap()
}

/// Returns the card of these weights.
fn small_card(weights: &[u8]) -> String {
    let hash: String = Sha256::digest(weights).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        r#"id = "small"
version = "1.2.3"
format = 1
architecture = "set-conv-1"
sizes = {{ bands = 80, features = 2, width = 2, exchange_width = 1, dilations = [
    1, 2, 4, 8, 1, 2,
] }}
sample_rate_hz = 48000
window_samples = 2048
hop_samples = 512
lookahead_hops = 0
mics = {{ min = 2, max = 16 }}
weights = "small-1.2.3.safetensors"
sha256 = "{hash}"
trained_by = {{ seed = 5 }}
data = "none"
licence = "MIT"
[results]
"#
    )
}

#[test]
fn weights() {
    let target = Target {
        name: "weights",
        seeds: vec![small_weights(0)],
        words: &[
            b"\"F32\"",
            b"\"F16\"",
            b"\"F64\"",
            b"\"I64\"",
            b"\"BOOL\"",
            b"\"dtype\"",
            b"\"shape\"",
            b"\"data_offsets\"",
            b"[0,0]",
            b"\"__metadata__\"",
            b"enter.weight",
            b"{",
            b"}",
            b",",
            b"\x00\x00\x80\x7F",
            b"\x00\x00\xC0\x7F",
        ],
        mend: |_| (),
        base_bytes: 4 << 20,
        bytes_per_byte: 64,
        cases: 2000,
    };
    let accepted = fuzz::run(&target, |input| {
        let source = ModelSource {
            id: "small".into(),
            version: "1.2.3".into(),
            config: small(0),
            mics: 2..=16,
            weights: Cow::Owned(input.to_vec()),
        };
        match Model::new(source).unwrap().network() {
            Ok(network) => {
                let weights = network.to_safetensors().unwrap();
                let (length, rest) = weights.split_at(8);
                let length = u64::from_le_bytes(length.try_into().unwrap());
                let numbers = &rest[usize::try_from(length).unwrap()..];
                let mut numbers =
                    numbers.chunks_exact(4).map(|x| f32::from_le_bytes(x.try_into().unwrap()));
                assert!(numbers.all(f32::is_finite), "every accepted weight is a number");
                Outcome::Accepted("a network".to_owned())
            }
            Err(error) => Outcome::Refused(error.to_string()),
        }
    });
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn card() {
    let weights = small_weights(0);
    let target = Target {
        name: "card",
        seeds: vec![small_card(&weights).into_bytes(), file("models/band-a-0.7.0/card.toml")],
        words: &[b"[", b"]", b"\n", b" = ", b"{ ", b"\"", b"#", b"true", b"-", b"e9", b"\\u0007"],
        mend: |_| (),
        // Memory for the weights as bytes and as a network.
        base_bytes: (4 << 20) + 8 * weights.len(),
        bytes_per_byte: 400,
        cases: 2000,
    };
    let accepted = fuzz::run(&target, |input| {
        let text = String::from_utf8_lossy(input);
        match models::read(&text, Cow::Owned(weights.clone())) {
            Ok(release) => match release.model.network() {
                Ok(_) => Outcome::Accepted("a network".to_owned()),
                Err(error) => Outcome::Refused(error.to_string()),
            },
            Err(error) => Outcome::Refused(error.to_string()),
        }
    });
    assert!(accepted > 30, "{accepted}");
}

//! Released models are usable, and models that do not fit are refused with a distinct error for
//! each defect.

use super::*;
use burn::tensor::Device;
use engine::network::{MaskForm, ModelError, Network, NetworkConfig, WeightsError};

/// Returns the card and the weights of a network with random weights.
fn example() -> (String, Vec<u8>) {
    let weights = weights(0);
    (card_for(&weights), weights)
}

fn weights(local_width: usize) -> Vec<u8> {
    let device = Device::flex();
    device.seed(5);
    let config = NetworkConfig {
        num_bands: 80,
        num_features: 8,
        width: 12,
        exchange_width: 6,
        local_width,
        masks: MaskForm::Stretched,
        dilations: [1, 2, 4, 8, 1, 2],
    };
    Network::new(&config, &device).to_safetensors().unwrap()
}

fn card_for(weights: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let hash: String = Sha256::digest(weights).iter().map(|byte| format!("{byte:02x}")).collect();
    let dilations = "dilations = [1, 2, 4, 8, 1, 2]";
    format!(
        r#"
        id = "example"
        version = "1.2.3"
        format = 1
        architecture = "set-conv-1"
        sizes = {{ bands = 80, features = 8, width = 12, exchange_width = 6, {dilations} }}
        sample_rate_hz = 48000
        window_samples = 2048
        hop_samples = 512
        lookahead_hops = 0
        mics = {{ min = 2, max = 16 }}
        weights = "example-1.2.3.safetensors"
        sha256 = "{hash}"
        trained_by = {{ seed = 5 }}
        data = "none"
        licence = "MIT"
        [results]
        "#
    )
}

fn try_read(card: &str, weights: &[u8]) -> Result<Release, CardError> {
    read(card, Cow::Owned(weights.to_vec()))
}

#[test]
fn a_model_is_found_by_its_id_and_version_and_no_other() {
    let release = released().unwrap();
    let found = named(&release.card.id, &release.card.version).unwrap();
    assert!(std::ptr::eq(found, release));
    assert!(named(&release.card.id, "99.0.0").is_none());
    assert!(named("no-such-model", &release.card.version).is_none());
    assert_eq!(all().len(), EMBEDDED.len(), "one of them cannot be read");
}

#[test]
fn the_released_model_is_what_its_card_says() {
    let release = released().expect("the card or the hash does not fit");
    let Release { card, model } = release;
    assert_eq!((model.id(), model.version()), (card.id.as_str(), card.version.as_str()));
    assert_eq!(card.weights, format!("{}-{}.safetensors", card.folder(), &card.sha256[..8]));
    model.network().expect("the weights do not fit the sizes");
    assert!(EMBEDDED[0].1.len() < 10_000_000, "too large for the repository");
    assert!(!card.results.is_empty() && !card.trained_by.is_empty());
}

#[test]
fn a_model_that_fits_is_built_once_for_all() {
    let (card, weights) = example();
    let Release { model, .. } = try_read(&card, &weights).unwrap();
    assert_eq!(model.times_built(), 0);
    let (first, second) = (model.network().unwrap(), model.clone().network().unwrap());
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!(model.times_built(), 1);
    // The network is dropped with its last user, and built again when needed.
    drop((first, second));
    model.network().unwrap();
    assert_eq!(model.times_built(), 2);
}

#[test]
fn a_card_that_does_not_fit_is_refused() {
    let (card, weights) = example();
    let refused = |from: &str, to: &str| {
        let changed = card.replace(from, to);
        assert_ne!(changed, card, "{from}");
        let error = try_read(&changed, &weights).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
        error
    };
    assert_eq!(
        refused("format = 1", "format = 2\nsomething_new = 3"),
        CardError::NewerFormat { newest: 1, actual: 2 }
    );
    assert!(matches!(refused("set-conv-1", "set-gru-1"), CardError::Architecture { .. }));
    assert!(matches!(refused("2048", "4096"), CardError::Transform { .. }));
    assert!(matches!(refused("48000", "96000"), CardError::Transform { .. }));
    assert!(matches!(refused("48000", "4"), CardError::Rate { actual_hz: 4 }));
    assert!(matches!(
        refused("lookahead_hops = 0", "lookahead_hops = 3"),
        CardError::Transform { .. }
    ));
    assert!(matches!(refused("max = 16", "max = 1"), CardError::Mics { .. }));
    assert!(matches!(refused("[1, 2, 4, 8, 1, 2]", "[1, 2]"), CardError::Blocks { actual: 2, .. }));
    assert!(matches!(
        refused("bands = 80", "bands = 81"),
        CardError::Engine(ModelError::Bands { .. })
    ));
    assert!(matches!(
        refused("features = 8", "features = 99"),
        CardError::Engine(ModelError::Features { .. })
    ));
    assert!(matches!(refused("licence", "license"), CardError::Unreadable { .. }));
    assert!(matches!(refused("id = \"example\"", ""), CardError::Unreadable { .. }));
    assert!(matches!(try_read("nonsense", &weights), Err(CardError::Unreadable { .. })));
}

#[test]
fn layers_that_judge_band_by_band_are_another_architecture() {
    let weights = weights(4);
    let plain = card_for(&weights);
    let local = plain.replacen("exchange_width = 6,", "exchange_width = 6, local_width = 4,", 1);
    let card = local.replacen("set-conv-1", "set-conv-2", 1);
    let release = try_read(&card, &weights).unwrap();
    assert_eq!(release.model.config().local_width, 4);
    release.model.network().unwrap();
    for (card, names) in [
        (local, ["set-conv-2", "set-conv-1"]),
        (plain.replacen("conv-1", "conv-2", 1), ["set-conv-1", "set-conv-2"]),
    ] {
        let error = try_read(&card, &weights).unwrap_err();
        let [expected, actual] = names;
        assert_eq!(error, CardError::Architecture { expected, actual: actual.to_owned() });
    }
    // Masks as probabilities are another architecture, with or without such layers.
    for (card, local_width) in [(plain.clone(), 0), (card.replacen("conv-2", "conv-1", 1), 4)] {
        let release = try_read(&card.replacen("conv-1", "conv-3", 1), &weights).unwrap();
        let config = release.model.config();
        assert_eq!((config.masks, config.local_width), (MaskForm::Probability, local_width));
    }
    // The card of a network without such layers does not fit weights with them.
    let error = try_read(&plain, &weights).unwrap().model.network().unwrap_err();
    assert!(matches!(error, WeightsError::Extra { .. }), "{error}");
}

#[test]
fn other_weights_than_the_cards_are_refused() {
    let (card, mut weights) = example();
    *weights.last_mut().unwrap() ^= 1;
    assert!(matches!(try_read(&card, &weights), Err(CardError::Hash { .. })));
}

/// Returns the error of the network for weights with one change in their table of contents.
fn refusal(from: &str, to: &str) -> WeightsError {
    assert_eq!(from.len(), to.len(), "lengths in the file would be wrong");
    let (_, mut weights) = example();
    let places =
        |weights: &[u8]| weights.windows(from.len()).position(|window| window == from.as_bytes());
    let at = places(&weights).unwrap_or_else(|| panic!("no {from}"));
    weights[at..at + from.len()].copy_from_slice(to.as_bytes());
    try_read(&card_for(&weights), &weights).unwrap().model.network().unwrap_err()
}

#[test]
fn a_missing_weight_is_refused() {
    let (_, weights) = example();
    let names = |error: WeightsError| match error {
        WeightsError::Missing { names } => names,
        other => panic!("{other}"),
    };
    let without = without_weight(&weights, "enter.bias");
    let error = try_read(&card_for(&without), &without).unwrap().model.network().unwrap_err();
    assert_eq!(names(error), ["enter.bias"]);
}

#[test]
fn an_extra_weight_is_refused() {
    let (_, weights) = example();
    let with = with_weight(&weights, "enter.gain");
    let error = try_read(&card_for(&with), &with).unwrap().model.network().unwrap_err();
    assert_eq!(error, WeightsError::Extra { names: vec!["enter.gain".to_owned()] });
}

#[test]
fn a_weight_of_another_shape_is_refused() {
    let expected = WeightsError::Shape {
        name: "enter.weight".to_owned(),
        expected: vec![640, 12],
        actual: vec![12, 640],
    };
    assert_eq!(refusal("[640,12]", "[12,640]"), expected);
}

#[test]
fn bytes_that_are_no_weights_are_refused() {
    let (_, weights) = example();
    let mut damaged = weights.clone();
    damaged[8] = b'!';
    for weights in [damaged, weights[..weights.len() - 4].to_vec()] {
        let release = try_read(&card_for(&weights), &weights).unwrap();
        let error = release.model.network().unwrap_err();
        assert!(matches!(error, WeightsError::Unreadable { .. }), "{error}");
    }
}

/// Nothing is built from the sizes of a card alone, because they may require all available memory.
#[test]
fn sizes_that_the_weights_cannot_fill_are_refused() {
    let (card, weights) = example();
    let refused = |from: &str, to: &str| {
        let changed = card.replace(from, to);
        assert_ne!(changed, card, "{from}");
        try_read(&changed, &weights).unwrap().model.network().unwrap_err()
    };
    let actual_bytes = weights.len();
    for (from, to) in [
        ("width = 12,", "width = 120000,"),
        ("width = 12,", "width = 9000000000000000000,"),
        ("exchange_width = 6", "exchange_width = 1000000000000"),
        ("width = 12,", "width = 0,"),
    ] {
        let error = refused(from, to);
        assert!(
            matches!(
                error,
                WeightsError::Sizes { actual_bytes: actual, .. } if actual == actual_bytes
            ),
            "{to}: {error}"
        );
    }
    for dilation in ["9000000000000000000", "2041"] {
        let error = refused("[1, 2, 4, 8, 1, 2]", &format!("[{dilation}, 1, 1, 1, 1, 4]"));
        assert!(matches!(error, WeightsError::Reach { most: 4096, .. }), "{dilation}: {error}");
    }
    let (card, weights) = example();
    let furthest = card.replace("[1, 2, 4, 8, 1, 2]", "[2040, 1, 1, 1, 1, 4]");
    try_read(&furthest, &weights).unwrap().model.network().unwrap();
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (_, mut weights) = example();
        let last = weights.len() - 4;
        weights[last..].copy_from_slice(&odd.to_le_bytes());
        let error = try_read(&card_for(&weights), &weights).unwrap().model.network().unwrap_err();
        assert_eq!(error, WeightsError::NotFinite);
    }
}

/// A message about a file is one line of plain text, for any content of the file.
#[test]
fn control_characters_of_files_stay_out_of_messages() {
    let (card, weights) = example();
    for (from, to) in [
        ("set-conv-1", "a\\u0007b\\nc"),
        ("sha256 = \"", "sha256 = \"\\u001B[2J"),
        ("licence = \"MIT\"", "\"li\\ncence\" = \"MIT\""),
    ] {
        let changed = card.replace(from, to);
        assert_ne!(changed, card, "{from}");
        let line = try_read(&changed, &weights).unwrap_err().to_string();
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    let with = with_weight(&weights, "enter\n\u{1b}gain");
    let error = try_read(&card_for(&with), &with).unwrap().model.network().unwrap_err();
    assert!(matches!(error, WeightsError::Extra { .. }), "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}

/// Returns the table of contents of safetensors, and the numbers.
fn parts(weights: &[u8]) -> (serde_json::Map<String, serde_json::Value>, &[u8]) {
    let length = usize::try_from(u64::from_le_bytes(weights[..8].try_into().unwrap())).unwrap();
    (serde_json::from_slice(&weights[8..8 + length]).unwrap(), &weights[8 + length..])
}

fn whole(table: &serde_json::Map<String, serde_json::Value>, numbers: &[u8]) -> Vec<u8> {
    let mut text = serde_json::to_vec(table).unwrap();
    // The length of the table is a multiple of eight.
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut weights = (text.len() as u64).to_le_bytes().to_vec();
    weights.extend(text);
    weights.extend(numbers);
    weights
}

/// Removes a weight and its numbers.
fn without_weight(weights: &[u8], name: &str) -> Vec<u8> {
    let (mut table, numbers) = parts(weights);
    let gone = table.remove(name).unwrap();
    let offset = |entry: &serde_json::Value, which: usize| {
        usize::try_from(entry["data_offsets"][which].as_u64().unwrap()).unwrap()
    };
    let (from, to) = (offset(&gone, 0), offset(&gone, 1));
    for entry in table.values_mut().filter(|entry| entry.get("data_offsets").is_some()) {
        if offset(entry, 0) >= to {
            let moved = [offset(entry, 0), offset(entry, 1)].map(|offset| offset - (to - from));
            entry["data_offsets"] = serde_json::json!(moved);
        }
    }
    whole(&table, &[&numbers[..from], &numbers[to..]].concat())
}

/// Adds a weight of three numbers.
fn with_weight(weights: &[u8], name: &str) -> Vec<u8> {
    let (mut table, numbers) = parts(weights);
    let entry = serde_json::json!({
        "dtype": "F32", "shape": [3], "data_offsets": [numbers.len(), numbers.len() + 12]
    });
    table.insert(name.to_owned(), entry);
    whole(&table, &[numbers, &[0; 12]].concat())
}

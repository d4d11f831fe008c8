//! Promises of the network: order, padding, causality, streaming, and strict weights.

use burn::tensor::{Device, Distribution, Tensor};

use super::{MaskForm, Memory, Network, NetworkConfig, Pairs};

fn config() -> NetworkConfig {
    NetworkConfig {
        num_bands: 10,
        num_features: 3,
        width: 24,
        exchange_width: 12,
        local_width: 6,
        masks: crate::network::MaskForm::Stretched,
        dilations: [1, 2, 4, 1, 2, 4],
    }
}

/// Returns a network whose weights are all random, including the shortcuts, so that none is zero
/// by design.
fn network(device: &Device) -> Network {
    device.seed(3);
    let mut network = Network::new(&config(), device);
    network.set_shortcut(Tensor::random(
        [NetworkConfig::NUM_MASKS, config().num_features],
        Distribution::Normal(0.0, 0.3),
        device,
    ));
    network
}

fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.5), device)
}

fn features(num_mics: usize, num_hops: usize, device: &Device) -> Tensor<4> {
    random([1, num_mics, num_hops, config().num_bands * config().num_features], device)
}

/// Returns the relations of mics 0 and 1 with one source and, of more than two mics, a last one
/// that picks up all others and bleeds into none.
fn bleeds(num_mics: usize) -> impl Fn(usize, usize) -> bool {
    move |i, j| i != j && (i.min(j), i.max(j)) != (0, 1) && (j + 1 < num_mics || num_mics < 3)
}

fn one_source(i: usize, j: usize) -> bool {
    (i.min(j), i.max(j)) == (0, 1)
}

fn run(network: &Network, features: &Tensor<4>, pairs: &Pairs, device: &Device) -> [Tensor<4>; 2] {
    let [batch, mics, _, _] = features.dims();
    let mut memory = network.blank_memory(batch, mics, device);
    let masks = network.forward(features.clone(), pairs, &mut memory);
    [masks.guide, masks.keep]
}

fn most_apart(a: &[Tensor<4>; 2], b: &[Tensor<4>; 2]) -> f32 {
    a.iter().zip(b).fold(0.0, |most, (a, b)| {
        let apart = (a.clone() - b.clone()).abs().max().into_data();
        most.max(apart.as_slice::<f32>().unwrap()[0])
    })
}

/// Largest rounding error: measured 3.6e-7 with these tests.
const ROUNDING: f32 = 1e-6;

#[test]
fn reordering_mics_reorders_the_masks_for_every_number_of_mics() {
    let device = Device::flex();
    let network = network(&device);
    for num_mics in 2..=16 {
        let input = features(num_mics, 12, &device);
        // A permutation without fixed points (except the last of an odd number of mics). From four
        // mics on it is not its own inverse.
        let order: Vec<usize> =
            (0..num_mics).map(|mic| (mic * 2 + 1) % (num_mics | 1) % num_mics).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let order = if sorted.len() == num_mics {
            order
        } else {
            (0..num_mics).map(|mic| (mic + 1) % num_mics).collect()
        };
        let reorder = |tensor: &Tensor<4>| -> Tensor<4> {
            Tensor::cat(order.iter().map(|&mic| tensor.clone().narrow(1, mic, 1)).collect(), 1)
        };
        let bleeds = bleeds(num_mics);
        let plain = Pairs::from_relations(&[num_mics], &bleeds, one_source, &device);
        let reordered = Pairs::from_relations(
            &[num_mics],
            |i, j| bleeds(order[i], order[j]),
            |i, j| one_source(order[i], order[j]),
            &device,
        );
        let expected = run(&network, &input, &plain, &device).map(|mask| reorder(&mask));
        let found = run(&network, &reorder(&input), &reordered, &device);
        let apart = most_apart(&found, &expected);
        assert!(apart < ROUNDING, "{num_mics} mics: {apart}");
        // The masks depend on the mic. Otherwise the test would prove nothing.
        let unmoved = run(&network, &input, &plain, &device);
        assert!(most_apart(&unmoved, &expected) > 0.05, "{num_mics} mics");
    }
}

#[test]
fn masks_that_are_probabilities_are_never_certain_and_have_a_slope_everywhere() {
    let device = Device::flex();
    for (form, is_cut) in [(MaskForm::Stretched, true), (MaskForm::Probability, false)] {
        device.seed(3);
        let mut network = Network::new(&NetworkConfig { masks: form, ..config() }, &device);
        // Logits of about three. Stretched masks are clamped beyond three.
        network.set_shortcut(Tensor::full([NetworkConfig::NUM_MASKS, 3], 1.0, &device));
        let pairs = Pairs::from_relations(&[3], bleeds(3), one_source, &device);
        let input = features(3, 12, &device);
        let mut memory = network.blank_memory(1, 3, &device);
        let masks = network.forward(input, &pairs, &mut memory);
        let values = |tensor: Tensor<4>| tensor.into_data().as_slice::<f32>().unwrap().to_vec();
        let keep = values(masks.keep);
        let certain = keep.iter().filter(|&&mask| mask <= 0.0 || mask >= 1.0).count();
        assert_eq!(certain > 0, is_cut, "{form:?}: {certain} of {}", keep.len());
        // The logits, which training may penalise, are those of the masks.
        let num_bands = config().num_bands;
        let logits = values(masks.logits.narrow(3, num_bands, num_bands));
        for (mask, logit) in keep.iter().zip(&logits) {
            let sigmoid = 1.0 / (1.0 + (-logit).exp());
            let expected = if is_cut { (1.1 * sigmoid - 0.05).clamp(0.0, 1.0) } else { sigmoid };
            assert!((mask - expected).abs() < ROUNDING, "{mask} {expected}");
        }
    }
}

#[test]
fn mics_that_are_not_there_change_nothing() {
    let device = Device::flex();
    let network = network(&device);
    let input = features(3, 9, &device);
    let alone = Pairs::from_relations(&[3], bleeds(3), one_source, &device);
    let expected = run(&network, &input, &alone, &device);
    // In a batch with a clip of five mics, the clip of three is padded with noise.
    let noise = random([1, 2, 9, 30], &device);
    let padded = Tensor::cat(vec![input, noise], 1);
    let batch = Tensor::cat(vec![padded, features(5, 9, &device)], 0);
    let within = bleeds(3);
    let pairs = Pairs::from_relations(
        &[3, 5],
        |i, j| if i < 5 { within(i, j) } else { i != j },
        |i, j| i < 5 && one_source(i, j),
        &device,
    );
    let found = run(&network, &batch, &pairs, &device);
    let found = found.map(|mask| mask.narrow(0, 0, 1).narrow(1, 0, 3));
    assert!(most_apart(&found, &expected) < ROUNDING, "{}", most_apart(&found, &expected));
}

#[test]
fn a_later_hop_changes_no_earlier_mask() {
    let device = Device::flex();
    let network = network(&device);
    let pairs = Pairs::from_relations(&[4], bleeds(4), one_source, &device);
    let input = features(4, 20, &device);
    let expected = run(&network, &input, &pairs, &device);
    let changed = Tensor::cat(vec![input.narrow(2, 0, 13), features(4, 7, &device)], 2);
    let found = run(&network, &changed, &pairs, &device);
    let upto = |masks: &[Tensor<4>; 2], start: usize, count: usize| {
        masks.clone().map(|mask| mask.narrow(2, start, count))
    };
    assert!(most_apart(&upto(&found, 0, 13), &upto(&expected, 0, 13)) < ROUNDING);
    assert!(most_apart(&upto(&found, 13, 7), &upto(&expected, 13, 7)) > 0.05);
}

#[test]
fn hop_by_hop_gives_what_the_whole_clip_gives() {
    let device = Device::flex();
    let network = network(&device);
    let pairs = Pairs::from_relations(&[5], bleeds(5), one_source, &device);
    let input = features(5, 60, &device);
    let expected = run(&network, &input, &pairs, &device);
    let mut memory: Memory = network.blank_memory(1, 5, &device);
    let (mut guides, mut keeps) = (Vec::new(), Vec::new());
    let mut at = 0;
    for count in [1, 1, 1, 2, 5, 1, 17, 1, 30, 1] {
        let masks = network.forward(input.clone().narrow(2, at, count), &pairs, &mut memory);
        guides.push(masks.guide);
        keeps.push(masks.keep);
        at += count;
    }
    assert_eq!(at, 60);
    let found = [Tensor::cat(guides, 2), Tensor::cat(keeps, 2)];
    assert!(most_apart(&found, &expected) < ROUNDING, "{}", most_apart(&found, &expected));
}

#[test]
fn masks_depend_on_no_more_of_the_past_than_said() {
    let device = Device::flex();
    let network = network(&device);
    let pairs = Pairs::from_relations(&[2], |i, j| i != j, |_, _| false, &device);
    let reach = config().reach_hops();
    let input = features(2, reach + 2, &device);
    let changed = |hops: usize| {
        let rest = input.clone().narrow(2, hops, reach + 2 - hops);
        Tensor::cat(vec![features(2, hops, &device), rest], 2)
    };
    let last = |input: &Tensor<4>| {
        run(&network, input, &pairs, &device).map(|mask| mask.narrow(2, reach + 1, 1))
    };
    assert_eq!(most_apart(&last(&changed(1)), &last(&input)), 0.0);
    assert!(most_apart(&last(&changed(2)), &last(&input)) > 0.0);
}

#[test]
fn weights_survive_the_round_trip_and_others_are_refused() {
    let device = Device::flex();
    let network = network(&device);
    let bytes = network.to_safetensors().unwrap();
    let again = Network::from_safetensors(&config(), bytes.clone(), &device).unwrap();
    let pairs = Pairs::from_relations(&[3], bleeds(3), one_source, &device);
    let input = features(3, 5, &device);
    let (a, b) = (run(&network, &input, &pairs, &device), run(&again, &input, &pairs, &device));
    assert_eq!(most_apart(&a, &b), 0.0);

    let line = |config: &NetworkConfig, bytes: Vec<u8>| {
        Network::from_safetensors(config, bytes, &device).unwrap_err().to_string()
    };
    let wider = NetworkConfig { width: 32, ..config() };
    assert!(line(&wider, bytes.clone()).contains("has the shape"));
    let mut cut = bytes.clone();
    cut.truncate(bytes.len() / 2);
    assert!(line(&config(), cut).contains("cannot be read"));
    assert!(line(&config(), b"no weights".to_vec()).contains("weights in 10 bytes"));
}

//! Recipes and training configurations of the lab.

use fuzz::{Outcome, Target};
use lab::scenes::recipe::Recipe;
use lab::train::config::TrainConfig;

use crate::{file, files};

const WORDS: [&[u8]; 14] = [
    b"[",
    b"]",
    b"[[scene]]",
    b"[[recipe]]",
    b"\n",
    b" = ",
    b"{ ",
    b"\"",
    b"'''",
    b"#",
    b"true",
    b"-",
    b"e9",
    b"\\u0007",
];

/// Memory for any input: results are large because there are many defaults, and text is copied.
const BASE_BYTES: usize = 4 << 20;

/// Panics if the debug output of `value` contains a number that is not finite.
fn check_finite(value: &impl std::fmt::Debug) {
    let (mut text, mut is_quoted, mut is_escaped) = (String::new(), false, false);
    for c in format!("{value:?}").chars() {
        match c {
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ if is_quoted => {}
            _ => text.push(c),
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    let is_odd = |word: &&str| *word == "NaN" || *word == "inf";
    let odd = text.split(|c: char| !c.is_alphanumeric()).find(is_odd);
    assert_eq!(odd, None, "an accepted number is finite");
}

fn text_of(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

fn target(name: &str, seeds: Vec<Vec<u8>>, cases: u64) -> Target<'_> {
    let (base_bytes, bytes_per_byte) = (BASE_BYTES, 400);
    Target { name, seeds, words: &WORDS, mend: |_| (), base_bytes, bytes_per_byte, cases }
}

#[test]
fn recipe() {
    let mut seeds = files("xtask/lab/recipes", ".toml");
    seeds.push(file("xtask/lab/experiments/band-of-three.toml"));
    let accepted = fuzz::run(&target("recipe", seeds, 3000), |input| {
        let text = text_of(input);
        match Recipe::parse("my.toml", &text) {
            Ok(recipe) => {
                check_finite(&recipe);
                Outcome::Accepted(format!("{} scenes", recipe.scenes.len().min(4)))
            }
            Err(error) => Outcome::Refused(format!("{error:#}")),
        }
    });
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn training() {
    let mut seeds = files("xtask/lab/training", ".toml");
    seeds.push(file("xtask/lab/experiments/experiment.toml"));
    let accepted = fuzz::run(&target("training", seeds, 3000), |input| {
        match TrainConfig::parse("my.toml", &text_of(input)) {
            Ok(config) => {
                check_finite(&config);
                let network = config.network.network();
                Outcome::Accepted(format!("{} bands", network.num_bands.min(1)))
            }
            Err(error) => Outcome::Refused(format!("{error:#}")),
        }
    });
    assert!(accepted > 100, "{accepted}");
}

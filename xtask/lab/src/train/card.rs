//! A model's `card.toml`: its name, sizes and origin.

use engine::network::NetworkConfig;
use engine::{Mode, SampleRate};
use std::fmt::Write as _;

/// Format number of the loader.
const FORMAT: u32 = 1;
/// Maximum number of mics in a recipe.
const MOST_MICS: usize = 16;

/// Content of a card.
#[derive(Clone, Debug)]
pub(super) struct Card<'a> {
    pub(super) id: &'a str,
    pub(super) version: &'a str,
    pub(super) weights: &'a str,
    pub(super) sha256: &'a str,
    pub(super) size: NetworkConfig,
    pub(super) commit: &'a str,
    pub(super) command: &'a str,
    pub(super) seed: u64,
    pub(super) burn: &'a str,
    /// Name of the configuration's file beside the card, if its text is known.
    pub(super) configuration: Option<&'a str>,
    pub(super) validation_db: Option<f64>,
}

impl Card<'_> {
    /// Returns the card as TOML; its fields are those that loaders check.
    pub(super) fn text(&self) -> String {
        // Windows have the same duration at all rates; the card gives their samples at 48 kHz.
        let geometry = SampleRate::new(48_000.0).map(|rate| Mode::Live.geometry(rate));
        let (window, hop) =
            geometry.map_or((0, 0), |geometry| (geometry.window_samples(), geometry.hop_samples()));
        let NetworkConfig {
            num_bands,
            num_features,
            width,
            exchange_width,
            local_width,
            dilations,
            masks: _,
        } = self.size;
        let architecture = self.size.architecture();
        let local =
            if local_width == 0 { String::new() } else { format!("local_width = {local_width}, ") };
        let text = |value: &str| toml::Value::from(value).to_string();
        let configuration = self
            .configuration
            .map_or_else(String::new, |file| format!(", configuration = {}", text(file)));
        let mut card = format!(
            "id = {}\nversion = {}\nformat = {FORMAT}\narchitecture = \"{architecture}\"\n\
             sizes = {{ bands = {num_bands}, features = {num_features}, width = {width}, \
             exchange_width = {exchange_width}, {local}dilations = {dilations:?} }}\n\
             sample_rate_hz = 48000\nwindow_samples = {window}\nhop_samples = {hop}\n\
             lookahead_hops = 0\n\
             mics = {{ min = 2, max = {MOST_MICS} }}\n\
             weights = {}\nsha256 = \"{}\"\n\
             trained_by = {{ commit = {}, command = {}, seed = {}, \
             burn = \"{}\"{configuration} }}\n\
             data = \"DATA.md\"\nlicence = \"MIT OR Apache-2.0\"\n\n[results]\n",
            text(self.id),
            text(self.version),
            text(self.weights),
            self.sha256,
            text(self.commit),
            text(self.command),
            self.seed,
            self.burn,
        );
        if let Some(db) = self.validation_db {
            // Writing to a string cannot fail.
            let _ = writeln!(card, "validation_snr_db = {db:.2}");
        }
        card
    }
}

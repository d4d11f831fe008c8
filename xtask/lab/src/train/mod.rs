//! `cargo xtask train`: training of the network, from recipes of scenes to weights for export.

pub mod band_sums;
mod batch;
pub mod calibration;
mod card;
mod checkpoint;
pub mod combination;
pub mod config;
mod course;
mod device;
pub mod domains;
pub mod examples;
pub mod experiment;
mod export;
mod limits;
pub mod loss;
pub mod products;
mod progress;
mod record;
mod recorder;
pub mod relations;
mod run;
mod settings;
pub mod store;
pub mod sums;
#[cfg(test)]
mod testing;
mod weights;

pub use checkpoint::{LogEntry, Progress};
pub use config::TrainConfig;
pub use course::BEST_FILE;
pub use device::DeviceName;
pub use export::{ExportOptions, export};
pub use progress::Form;
pub use run::{Outcome, TrainOptions, run};
pub use settings::{SETTINGS_FILE, Settings};
pub use weights::{initial_weights, weights_of};

//! Presentation of results: tables, pictures and the report on the demo session.

mod canvas;
mod chart;
pub mod curves;
mod demo;
mod figure;
mod playing;
mod spectrogram;

pub(crate) use chart::{Chart, Series};
pub use demo::{DemoReport, demo_report};
pub use figure::BeforeAfter;
pub(crate) use figure::Panels;
pub(crate) use playing::playing;
pub use unspill::json;
pub use unspill::table::{Table, db, signed_db};

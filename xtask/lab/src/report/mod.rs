//! Presentation of results: tables, pictures and the report on the demo session.

mod canvas;
mod chart;
pub mod curves;
mod demo;
mod figure;
pub mod json;
pub mod plots;
mod spectrogram;
mod table;

pub use demo::{DemoReport, demo_report};
pub use figure::BeforeAfter;
pub use table::{Table, db, signed_db};

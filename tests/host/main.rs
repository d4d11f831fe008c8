//! The bundled plugin in the project's own host, in all unusual situations, and in an
//! independent one.

#![cfg(test)]

mod buses;
mod dawdreamer;
mod latency;
mod learning;
mod linked;
mod matrix;
mod params;
mod random;
mod stereo;

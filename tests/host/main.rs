//! The bundled plugin in hosts: our own in every odd situation, and an independent one.

#![cfg(test)]

mod buses;
mod dawdreamer;
mod latency;
mod learning;
mod matrix;
mod params;
mod random;
mod stereo;

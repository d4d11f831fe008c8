//! One situation that a host causes, and the means to cause it.

use std::sync::atomic::Ordering;
use std::time::Instant;

use plugin::guard::Guardable;

use super::clap_host::ClapHost;
use super::host::{Host, SetUp, TestBus};
use super::probes::{self, LINGER, LINGER_TIME, Probe, Shape};
use super::vst3_host::Vst3Host;

/// Outcome of a case without the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unguarded {
    /// The host crashes.
    Crashes,
    /// The host survives, and the plugin behaves wrongly.
    IsWrong,
}

/// One situation.
pub struct Case {
    pub name: &'static str,
    pub unguarded: Unguarded,
    pub run: fn(guarded: bool) -> Result<(), String>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Format {
    Clap,
    Vst3,
}

pub fn host<S: Shape>(format: Format, guarded: bool) -> Box<dyn Host>
where
    Probe<S>: Guardable,
{
    match format {
        Format::Clap => Box::new(ClapHost::of::<Probe<S>>(guarded)),
        Format::Vst3 => Box::new(Vst3Host::of::<Probe<S>>(guarded)),
    }
}

pub fn active<S: Shape>(format: Format, guarded: bool) -> Box<dyn Host>
where
    Probe<S>: Guardable,
{
    let mut host = host::<S>(format, guarded);
    assert!(host.activate(SetUp::default()));
    host
}

pub fn expect<T: PartialEq + std::fmt::Debug>(
    what: &str,
    actual: T,
    expected: T,
) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("{what}: {actual:?}, not {expected:?}")) }
}

pub const N: usize = 64;

pub fn mono(value: f32) -> TestBus {
    TestBus::filled(1, value, N)
}

pub fn out() -> TestBus {
    TestBus::output(1, N)
}

pub fn all(value: f32) -> Vec<f32> {
    vec![value; N]
}

/// Four valid input buses, with which the probes' main output is 4321.
pub fn four_inputs() -> [TestBus; 4] {
    [mono(1.0), mono(2.0), mono(3.0), mono(4.0)]
}

struct Shared<'a>(&'a dyn Host);

// SAFETY: deliberately violated: hosts must not call on two threads at once, but some do.
unsafe impl Sync for Shared<'_> {}

/// Runs `act` on a thread other than the one that made the instance.
pub fn on_audio_thread(host: &dyn Host, act: impl FnOnce(&dyn Host) + Send) {
    let shared = Shared(host);
    std::thread::scope(|scope| {
        let shared = &shared;
        scope.spawn(move || act(shared.0));
    });
}

/// Runs `act` while another thread processes a block that takes [`LINGER_TIME`].
pub fn beside_a_lingering_block(
    host: &dyn Host,
    act: impl FnOnce(&dyn Host) -> Result<(), String>,
) -> Result<(), String> {
    let shared = Shared(host);
    std::thread::scope(|scope| {
        let shared = &shared;
        scope.spawn(move || {
            let mut inputs = four_inputs();
            inputs[0] = mono(LINGER);
            shared.0.process(&mut inputs, &mut [out(), out(), out(), out()], N, &[]);
        });
        let start = Instant::now();
        while !probes::LINGERING.load(Ordering::SeqCst) {
            assert!(start.elapsed() < LINGER_TIME * 20, "the block never began");
            std::thread::yield_now();
        }
        act(host)
    })
}

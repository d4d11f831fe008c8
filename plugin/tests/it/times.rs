//! The host's time of every piece of a block.

use clap_sys::events::{
    CLAP_TRANSPORT_HAS_BEATS_TIMELINE, CLAP_TRANSPORT_HAS_SECONDS_TIMELINE,
    CLAP_TRANSPORT_IS_PLAYING,
};
use plugin::guard::{HostTime, param_id_hash};
use vst3::Steinberg::Vst::ProcessContext;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_::{kContTimeValid, kPlaying};

use super::clap_host::{ClapHost, playing_at};
use super::host::{Host, Odd, SetUp, TestBus};
use super::probes::{Probe, Sym, TIMES};
use super::vst3_host::Vst3Host;

const LABEL: &str = "label";

/// Returns the times of the pieces of a block of 64 samples that is cut at sample 10.
fn times_of(process: impl FnOnce(&mut [TestBus], &mut [TestBus]) -> bool) -> Vec<HostTime> {
    let mut inputs: Vec<_> = (0..4).map(|_| TestBus::filled(1, 0.1, 64)).collect();
    let mut outputs: Vec<_> = (0..4).map(|_| TestBus::output(1, 64)).collect();
    TIMES.take();
    assert!(process(&mut inputs, &mut outputs));
    TIMES.take()
}

/// Returns both pieces' times from that of the first sample.
fn pieces(timeline: Option<i64>, steady: Option<i64>) -> Vec<HostTime> {
    let piece = |at: i64| HostTime {
        timeline: timeline.map(|time| time + at),
        steady: steady.map(|time| time + at),
    };
    vec![piece(0), piece(10)]
}

#[test]
fn clap_blocks_have_the_time_of_the_transport_and_the_count_of_samples() {
    let mut host = ClapHost::of::<Probe<Sym>>(true);
    assert!(host.activate(SetUp { rate: 44_100.0, ..SetUp::default() }));
    let change = (10, param_id_hash(LABEL), 1.0);
    let playing = CLAP_TRANSPORT_IS_PLAYING | CLAP_TRANSPORT_HAS_SECONDS_TIMELINE;
    for sample in [0_i64, 1, -4410, 7 * 44_100 + 13, 10 * 3600 * 44_100 + 1] {
        let mut transport = playing_at(sample, 44_100.0);
        for (flags, steady_time, expected) in [
            (playing, 500, pieces(Some(sample), Some(500))),
            (playing, -1, pieces(Some(sample), None)),
            (CLAP_TRANSPORT_HAS_SECONDS_TIMELINE, 0, pieces(None, Some(0))),
            (CLAP_TRANSPORT_IS_PLAYING | CLAP_TRANSPORT_HAS_BEATS_TIMELINE, -1, pieces(None, None)),
        ] {
            transport.flags = flags;
            *host.time.borrow_mut() = (steady_time, Some(transport));
            let times = times_of(|inputs, outputs| {
                host.process_timed(inputs, outputs, 64, &[change], Odd::Nothing)
            });
            assert_eq!(times, expected, "{sample} {flags} {steady_time}");
        }
    }
    *host.time.borrow_mut() = (-1, None);
    let process = |inputs: &mut [TestBus], outputs: &mut [TestBus]| {
        host.process_timed(inputs, outputs, 64, &[change], Odd::Nothing)
    };
    assert_eq!(times_of(process), pieces(None, None));
    let mut transport = playing_at(0, 44_100.0);
    transport.header.size = 8;
    *host.time.borrow_mut() = (-1, Some(transport));
    assert_eq!(times_of(process), pieces(None, None), "a transport that is too short");
}

#[test]
fn vst3_blocks_have_the_time_of_the_project_and_the_count_of_samples() {
    let mut host = Vst3Host::of::<Probe<Sym>>(true);
    assert!(host.activate(SetUp::default()));
    let change = (10, param_id_hash(LABEL), 1.0);
    // SAFETY: plain data, for which zeros are valid.
    let mut context: ProcessContext = unsafe { std::mem::zeroed() };
    context.projectTimeSamples = -70;
    context.continousTimeSamples = 900;
    for (state, timeline, steady) in [
        (kPlaying | kContTimeValid, Some(-70), Some(900)),
        (kPlaying, Some(-70), None),
        (kContTimeValid, None, Some(900)),
        (0, None, None),
    ] {
        context.state = state;
        let times = times_of(|inputs, outputs| {
            host.process_at(inputs, outputs, 64, &[change], &raw mut context)
        });
        assert_eq!(times, pieces(timeline, steady), "{state}");
    }
    let times = times_of(|inputs, outputs| {
        host.process_at(inputs, outputs, 64, &[change], std::ptr::null_mut())
    });
    assert_eq!(times, pieces(None, None));
}

//! The transport that a CLAP host states with each block.

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_TRANSPORT, CLAP_TRANSPORT_HAS_BEATS_TIMELINE,
    CLAP_TRANSPORT_HAS_SECONDS_TIMELINE, CLAP_TRANSPORT_HAS_TEMPO,
    CLAP_TRANSPORT_HAS_TIME_SIGNATURE, CLAP_TRANSPORT_IS_PLAYING, clap_event_header,
    clap_event_transport,
};
use clap_sys::fixedpoint::{CLAP_BEATTIME_FACTOR, CLAP_SECTIME_FACTOR};

const TEMPO_BPM: f64 = 120.0;
const BEATS_PER_BAR: u16 = 4;

/// Returns the transport at a position in samples; `None` for one that is stopped at zero.
pub(super) fn transport_at(timeline: Option<i64>, rate_hz: f64) -> clap_event_transport {
    let is_playing = if timeline.is_some() { CLAP_TRANSPORT_IS_PLAYING } else { 0 };
    let seconds = timeline.unwrap_or(0) as f64 / rate_hz;
    let beats = seconds * TEMPO_BPM / 60.0;
    let bar = (beats / f64::from(BEATS_PER_BAR)).floor();
    #[allow(clippy::cast_possible_truncation, reason = "one struct, and a bar within 32 bits")]
    let (size, bar_number) = (size_of::<clap_event_transport>() as u32, bar as i32);
    clap_event_transport {
        header: clap_event_header {
            size,
            time: 0,
            space_id: CLAP_CORE_EVENT_SPACE_ID,
            type_: CLAP_EVENT_TRANSPORT,
            flags: 0,
        },
        flags: CLAP_TRANSPORT_HAS_TEMPO
            | CLAP_TRANSPORT_HAS_BEATS_TIMELINE
            | CLAP_TRANSPORT_HAS_SECONDS_TIMELINE
            | CLAP_TRANSPORT_HAS_TIME_SIGNATURE
            | is_playing,
        song_pos_beats: fixed_point(beats, CLAP_BEATTIME_FACTOR),
        song_pos_seconds: fixed_point(seconds, CLAP_SECTIME_FACTOR),
        tempo: TEMPO_BPM,
        tempo_inc: 0.0,
        loop_start_beats: 0,
        loop_end_beats: 0,
        loop_start_seconds: 0,
        loop_end_seconds: 0,
        bar_start: fixed_point(bar * f64::from(BEATS_PER_BAR), CLAP_BEATTIME_FACTOR),
        bar_number,
        tsig_num: BEATS_PER_BAR,
        tsig_denom: 4,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "saturates at 136 years")]
fn fixed_point(value: f64, factor: i64) -> i64 {
    (value * factor as f64).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_format() {
        let second = CLAP_SECTIME_FACTOR;
        for (sample, seconds, beats, bar) in [
            (0, 0, 0, 0),
            (48_000, second, 2 * CLAP_BEATTIME_FACTOR, 0),
            (96_000, 2 * second, 4 * CLAP_BEATTIME_FACTOR, 1),
            (-24_000, -second / 2, -CLAP_BEATTIME_FACTOR, -1),
        ] {
            let transport = transport_at(Some(sample), 48_000.0);
            assert_eq!(transport.song_pos_seconds, seconds, "{sample}");
            assert_eq!(transport.song_pos_beats, beats, "{sample}");
            assert_eq!(transport.bar_number, bar, "{sample}");
            assert_ne!(transport.flags & CLAP_TRANSPORT_IS_PLAYING, 0);
        }
        assert_eq!(transport_at(None, 48_000.0).flags & CLAP_TRANSPORT_IS_PLAYING, 0);
    }
}

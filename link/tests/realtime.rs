//! The audio side of a member never allocates, frees or grows memory.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

mod common;

use common::{folder, join, stamp};
use engine::{Controls, Listen, Mode};
use link::{Line, MicSettings, Place, Stamp};
use test_memory::measure;

#[test]
fn the_audio_side_of_a_member_never_allocates_or_frees() {
    let (mut hops, mut late) = (0, 0);
    for mode in [Mode::Live, Mode::Mix] {
        for block_samples in [1, 64, 333, 512, 8192] {
            let (_temp, folder) = folder();
            let mut members = [(); 3].map(|()| join(&folder, mode, block_samples.min(1024)));
            let stats = members[0].stats();
            let mut controls = Controls::default();
            let mut block = vec![0.0; block_samples];
            let mut place = 0;
            let counts = measure(|| {
                for call in 0..200_u16 {
                    for (index, member) in members.iter_mut().enumerate() {
                        for (n, sample) in block.iter_mut().enumerate() {
                            let loud = (n + index) % 7 < 3;
                            *sample = if loud { 0.1 } else { -0.05 * f32::from(call % 5) };
                        }
                        if call % 3 == 0 {
                            controls.mics[0].amount = f32::from(call % 10) / 9.0;
                            controls.mics[0].listen =
                                if call % 2 == 0 { Listen::Clean } else { Listen::Removed };
                            member.set_controls(&controls);
                        }
                        // Some blocks have no place, some are on another line.
                        let at = Place { line: Line::Steady, sample: i64::from(call) };
                        let odd = |place| Stamp {
                            place,
                            is_offline: false,
                            settings: MicSettings::default(),
                        };
                        let stamp = match call % 50 {
                            48 => odd(None),
                            49 => odd(Some(at)),
                            _ => stamp(place, false),
                        };
                        member.process(&mut [&mut block], &stamp).unwrap();
                        assert!(member.process(&mut [], &stamp).is_err());
                        if call % 80 == 79 {
                            member.reset();
                        }
                    }
                    place = if call % 70 == 69 { 1234 } else { place + block_samples };
                    // Lets the worker catch up in the first half.
                    for _ in 0..if call < 100 { 50_000 } else { 0 } {
                        if stats.hops() > u64::from(call) {
                            break;
                        }
                        std::hint::spin_loop();
                    }
                }
            });
            assert_eq!(counts.calls, 0, "{mode:?}, blocks of {block_samples}");
            hops += stats.hops();
            late += members[0].late_samples();
        }
    }
    println!("{hops} hops, {late} late samples");
    assert!(hops > 100 && late > 100, "both happened: {hops} hops, {late} late samples");
}

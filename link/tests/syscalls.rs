//! The audio side of a member makes no system call, so it takes no contended lock and never waits.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod common;

use common::{folder, join, stamp};
use engine::{Controls, Mode};

fn main() {
    test_syscalls::main(6000, |is_offline| {
        let (temp, folder) = folder();
        let mut members = [(); 3].map(|()| join(&folder, Mode::Live, 64));
        let mut controls = Controls::default();
        let stats = members[0].stats();
        let mut block = [0.0_f32; 64];
        let play = move |call: u16| {
            // Kept until the members have left.
            let _ = &temp;
            for (mic, member) in members.iter_mut().enumerate() {
                for (n, sample) in block.iter_mut().enumerate() {
                    *sample = if (n + mic) % 7 < 3 { 0.1 } else { -0.05 * f32::from(call % 5) };
                }
                controls.mics[0].amount = f32::from(call % 100) / 99.0;
                member.set_controls(&controls);
                // Jumps back, as in a loop.
                let place = usize::from(call) * 64 % 20_000;
                member.process(&mut [&mut block], &stamp(place, is_offline)).unwrap();
                if call % 4000 == 3999 {
                    member.reset();
                }
            }
        };
        (play, move || stats.hops())
    });
}

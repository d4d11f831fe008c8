//! The audio side of a session makes no system call, so it takes no contended lock and never waits.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};

fn main() {
    test_syscalls::main(10_000, |is_offline| {
        let config = SessionConfig {
            rate: SampleRate::new(48_000.0).unwrap(),
            num_mics: 4,
            mode: Mode::Live,
            pace: if is_offline { Pace::Offline } else { Pace::Realtime },
            max_block_samples: 64,
        };
        let mut controls = Controls::default();
        let mut session = Session::prepare(&config, &controls, SessionMethod::default()).unwrap();
        let stats = session.stats();
        let mut block = [[0.0_f32; 64]; 4];
        let play = move |call: u16| {
            for (mic, samples) in block.iter_mut().enumerate() {
                for (n, sample) in samples.iter_mut().enumerate() {
                    *sample = if (n + mic) % 7 < 3 { 0.1 } else { -0.05 * f32::from(call % 5) };
                }
            }
            let [a, b, c, d] = &mut block;
            controls.mics[1].amount = f32::from(call % 100) / 99.0;
            session.set_controls(&controls);
            session.process(&mut [a, b, c, d]).unwrap();
            if call % 4000 == 3999 {
                session.reset();
            }
        };
        (play, move || stats.hops())
    });
}

//! The periods of a session: which track is called when, and on which thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};

use anyhow::{Error, Result};

use super::lane::Lane;
use super::{Order, Session, Track};
use crate::parts::AudioPart;
use crate::pattern::next_random;
use crate::render::Clock;

impl Session {
    /// Plays all tracks for `num_samples`.
    ///
    /// # Errors
    ///
    /// The faults found by [`Plugin::process`](crate::Plugin::process) on any track.
    pub fn play(&mut self, num_samples: usize) -> Result<()> {
        let until = self.at + i64::try_from(num_samples)?;
        let (rate_hz, pace) = (self.config.rate_hz, self.config.pace);
        let mut clock = self.clock.take().unwrap_or_else(|| Clock::start(rate_hz, pace));
        let result = match self.config.order {
            Order::Threads(num_threads) => self.play_in_threads(num_threads, until, &mut clock),
            _ => self.play_here(until, &mut clock),
        };
        self.clock = Some(clock);
        self.at = until;
        result?;
        for track in self.tracks.iter_mut().filter(|track| !track.is_called()) {
            track.lane.at = until + track.lane.ahead;
        }
        Ok(())
    }

    /// Returns the steady counts at the ends of the periods until `until`.
    fn ends(&self, until: i64) -> Vec<i64> {
        let period = self.config.period_samples.unwrap_or(self.config.max_block_samples).max(1);
        let mut ends: Vec<i64> = (self.at..until).step_by(period).skip(1).collect();
        if self.at < until {
            ends.push(until);
        }
        ends
    }

    /// Plays one track after the other on this thread.
    fn play_here(&mut self, until: i64, clock: &mut Clock) -> Result<()> {
        let mut begin = self.at;
        for end in self.ends(until) {
            clock.wait_for(usize::try_from(begin)?);
            for number in self.turns() {
                let Track { plugin: Some(plugin), lane, is_asleep: false, .. } =
                    &mut self.tracks[number]
                else {
                    continue;
                };
                let mut process = |inputs: &mut [_], outputs: &mut [_], length, options| {
                    plugin.process(inputs, outputs, length, options)
                };
                lane.play_to(&mut process, &self.transport, end)?;
            }
            for plugin in self.tracks.iter_mut().filter_map(|track| track.plugin.as_mut()) {
                plugin.idle();
            }
            begin = end;
        }
        Ok(())
    }

    /// Returns the tracks in the order of the next period.
    fn turns(&mut self) -> Vec<usize> {
        let mut turns: Vec<usize> = (0..self.tracks.len()).collect();
        match &self.config.order {
            Order::Added | Order::Threads(_) => {}
            Order::Serial(first) => {
                let turn = |number: &usize| first.iter().position(|other| other == number);
                turns.sort_by_key(|number| turn(number).unwrap_or(usize::MAX));
            }
            Order::Random(_) => turns.sort_by_cached_key(|_| next_random(&mut self.seed)),
        }
        turns
    }

    /// Plays all tracks on threads, which take the tracks one by one in each period.
    fn play_in_threads(&mut self, num_threads: usize, until: i64, clock: &mut Clock) -> Result<()> {
        let (ends, mut begin) = (self.ends(until), self.at);
        let transport = &self.transport;
        let (mut mains, mut voices) = (Vec::new(), Vec::new());
        for track in self.tracks.iter_mut().filter(|track| track.is_called()) {
            let Some(plugin) = &mut track.plugin else { continue };
            let (main, audio) = plugin.split()?;
            mains.push(main);
            voices.push(Mutex::new(Voice { audio, lane: &mut track.lane }));
        }
        let next = AtomicUsize::new(0);
        let barrier = Barrier::new(num_threads + 1);
        let failure: Mutex<Option<Error>> = Mutex::new(None);
        let work = || {
            for &end in &ends {
                barrier.wait();
                // Relaxed: the mutexes order the accesses to the voices.
                while let Some(voice) = voices.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut voice = voice.lock().unwrap_or_else(PoisonError::into_inner);
                    let Voice { audio, lane } = &mut *voice;
                    let mut process = |inputs: &mut [_], outputs: &mut [_], length, options| {
                        audio.process(inputs, outputs, length, options)
                    };
                    if let Err(error) = lane.play_to(&mut process, transport, end) {
                        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                }
                barrier.wait();
            }
        };
        let mut failed = Ok(());
        std::thread::scope(|scope| {
            (0..num_threads).for_each(|_| drop(scope.spawn(work)));
            for &end in &ends {
                match usize::try_from(begin) {
                    Ok(begin) => clock.wait_for(begin),
                    Err(error) => failed = Err(error.into()),
                }
                // Relaxed: the barrier orders it before the threads' accesses.
                next.store(0, Ordering::Relaxed);
                barrier.wait();
                mains.iter_mut().for_each(crate::parts::MainPart::idle);
                barrier.wait();
                begin = end;
            }
        });
        failed.and_then(|()| {
            let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
            failure.map_or(Ok(()), Err)
        })
    }
}

/// A track in the hands of the threads.
struct Voice<'a> {
    audio: AudioPart<'a>,
    lane: &'a mut Lane,
}

impl Track {
    /// Returns true if the host calls the plugin.
    fn is_called(&self) -> bool {
        self.plugin.is_some() && !self.is_asleep
    }
}

//! The rings and the bell between real threads. `engine/races` runs these tests under Miri, and
//! models of them in every order.

use std::sync::atomic::{AtomicBool, Ordering};

use super::link::{Bell, ring};

#[test]
fn items_come_out_once_and_in_order_across_threads() {
    const COUNT: usize = if cfg!(miri) { 300 } else { 20_000 };
    let (mut sender, mut receiver) = ring(8);
    let writer = std::thread::spawn(move || {
        for number in 0..COUNT {
            let mut item = number;
            while let Err(back) = sender.push(item) {
                item = back;
                std::thread::yield_now();
            }
        }
    });
    let mut expected = 0;
    while expected < COUNT {
        match receiver.pop() {
            Some(number) => {
                assert_eq!(number, expected);
                expected += 1;
            }
            None => std::thread::yield_now(),
        }
    }
    writer.join().unwrap();
    assert!(receiver.pop().is_none());
}

#[test]
fn who_asks_again_at_once_is_woken_once_by_each_ring() {
    const RINGS: usize = if cfg!(miri) { 20 } else { 200 };
    let bell = Bell::new();
    let ringing = bell.clone();
    let is_over = AtomicBool::new(false);
    let woken = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut woken = 0;
            // The bound on `woken` ends the loop if the wake-ups never end.
            while !is_over.load(Ordering::Relaxed) && woken < 10 * RINGS {
                bell.register();
                std::thread::park_timeout(std::time::Duration::from_secs(1));
                woken += 1;
            }
            woken
        });
        for _ in 0..RINGS {
            ringing.ring();
            // No thread wakes this one while it is parked.
            std::thread::park_timeout(std::time::Duration::from_micros(200));
        }
        is_over.store(true, Ordering::Relaxed);
        waiter.join().unwrap()
    });
    // A few parks may also end by their timeout.
    assert!(woken < 2 * RINGS, "{woken}");
}

#[test]
fn whoever_asked_is_woken() {
    const ROUNDS: usize = if cfg!(miri) { 50 } else { 2000 };
    let (mut sender, mut receiver) = ring(1);
    let bell = Bell::new();
    let ringing = bell.clone();
    let (mut ask_for_more, mut asked) = ring(1);
    let writer = std::thread::spawn(move || {
        for number in 0..ROUNDS {
            while asked.pop().is_none() {
                std::hint::spin_loop();
            }
            assert!(sender.push(number).is_ok());
            ringing.ring();
        }
    });
    let since = std::time::Instant::now();
    for number in 0..ROUNDS {
        assert!(ask_for_more.push(()).is_ok());
        let received = loop {
            bell.register();
            if let Some(received) = receiver.pop() {
                break received;
            }
            // Much longer than the test: only the bell can end it in time.
            std::thread::park_timeout(std::time::Duration::from_secs(60));
        };
        assert_eq!(received, number);
    }
    writer.join().unwrap();
    assert!(since.elapsed().as_secs() < 50, "a call was slept through");
}

#[test]
fn a_full_ring_gives_the_item_back() {
    let (mut sender, mut receiver) = ring(2);
    assert!(sender.push(1).is_ok() && sender.push(2).is_ok());
    assert_eq!(sender.push(3), Err(3));
    assert_eq!(receiver.pop(), Some(1));
    assert!(sender.push(3).is_ok());
    assert_eq!((receiver.pop(), receiver.pop(), receiver.pop()), (Some(2), Some(3), None));
}

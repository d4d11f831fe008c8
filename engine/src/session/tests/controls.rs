//! Controls that change while audio runs: at the exact sample, and without a click.

use super::*;
use crate::{Decibels, GroupId, Role};

/// Sample at which the control changes.
const AT: usize = 20_011;
/// Samples of a ramp: 10 ms at 48 kHz.
const RAMP: usize = 480;
const NUM_SAMPLES: usize = 40_000;

/// Largest step between samples during a change, relative to the largest step of the signals
/// without it: measured 1.00.
const STEP_ALLOWED: f32 = 1.1;

/// Changes from `before` to `after` at sample [`AT`]. Returns three outputs of the first mic: with
/// the change, with `before` only, and with `after` only.
fn moved(before: &Controls, after: &Controls) -> [Vec<f32>; 3] {
    let input = tones(NUM_SAMPLES);
    let changes = [(AT, after.clone())];
    [(before, &changes[..]), (before, &[]), (after, &[])].map(|(controls, changes)| {
        run(&mut offline(2, controls), &input, changes, || 199).swap_remove(0)
    })
}

fn assert_no_click(name: &str, [moved, before, after]: &[Vec<f32>; 3]) {
    // Both signals have settled long before and continue until the end.
    let [step, usual_before, usual_after] =
        [moved, before, after].map(|signal| largest_step(&signal[10_000..]));
    let share = step / usual_before.max(usual_after);
    println!("{name}: {share}");
    assert!(share < STEP_ALLOWED, "{name}: {share} times the signal's own largest step");
}

fn set(change: impl Fn(&mut Controls)) -> Controls {
    let mut controls = Controls::default();
    change(&mut controls);
    controls
}

#[test]
fn amounts_and_listening_ramp_from_the_very_sample_they_were_set_at() {
    let amount = |amount: f32| set(|controls| controls.mics[0].amount = amount);
    let moves = [
        ("amount down", amount(1.0), amount(0.0)),
        ("amount up", amount(0.2), amount(0.7)),
        ("global amount", amount(1.0), set(|controls| controls.global_amount = 0.5)),
        ("clean to removed", listening(Listen::Clean), listening(Listen::Removed)),
        ("removed to dry", listening(Listen::Removed), listening(Listen::Dry)),
        ("mute to dry", listening(Listen::Mute), listening(Listen::Dry)),
        ("clean to mute", listening(Listen::Clean), listening(Listen::Mute)),
    ];
    for (name, before, after) in moves {
        let outputs = moved(&before, &after);
        assert_no_click(name, &outputs);
        let [moved, before, after] = outputs;
        let heard = AT + LATENCY;
        assert_eq!(moved[..heard], before[..heard], "{name}: nothing moves before");
        assert_ne!(moved[heard], before[heard], "{name}: moves from the sample on");
        let settled = heard + RAMP - 1;
        assert_eq!(moved[settled..], after[settled..], "{name}: is there after the ramp");
        assert_ne!(moved[settled - 1], after[settled - 1], "{name}: and not before");
    }
}

#[test]
fn pairs_floors_roles_and_groups_fade_within_a_hop() {
    let moves = [
        ("pair", set(|controls| controls.pair_amount[0][1] = 0.0)),
        ("floor", set(|controls| controls.mics[0].floor = Decibels(-1.5))),
        ("role", set(|controls| controls.mics[0].role = Role::Room)),
        (
            "group",
            set(|controls| {
                controls.mics[0].group = Some(GroupId(3));
                controls.mics[1].group = Some(GroupId(3));
            }),
        ),
    ];
    // The first hop that starts with the new controls. The fade into it lies directly before it.
    let hop_start = AT.next_multiple_of(HOP) + LATENCY;
    for (name, other) in moves {
        for (before, after) in [(Controls::default(), other.clone()), (other, Controls::default())]
        {
            let outputs = moved(&before, &after);
            assert_no_click(name, &outputs);
            let [moved, before, after] = outputs;
            assert_eq!(moved[..hop_start - HOP], before[..hop_start - HOP], "{name}");
            assert_eq!(moved[hop_start..], after[hop_start..], "{name}");
            assert_ne!(moved[hop_start - HOP..hop_start], before[hop_start - HOP..hop_start]);
        }
    }
}

#[test]
fn a_move_during_a_ramp_goes_on_from_where_the_ramp_is() {
    let input = tones(NUM_SAMPLES);
    let off = set(|controls| controls.mics[0].amount = 0.0);
    let half = set(|controls| controls.mics[0].amount = 0.5);
    // The second change lies in the middle of the first ramp, and the third directly after the
    // second ramp.
    let changes = [
        (AT, off.clone()),
        (AT + 200, Controls::default()),
        (AT + 200 + RAMP, off),
        (AT + 200 + RAMP + 3, half.clone()),
    ];
    let moved = run(&mut offline(2, &Controls::default()), &input, &changes, || 199);
    let before = run(&mut offline(2, &Controls::default()), &input, &[], || 199);
    let after = run(&mut offline(2, &half), &input, &[], || 199);
    let outputs = [moved, before, after].map(|mut mics| mics.swap_remove(0));
    assert_no_click("amount back and forth", &outputs);
    let [moved, before, after] = outputs;
    // The full amount is reached for exactly one sample.
    let back = AT + LATENCY + 200 + RAMP - 1;
    assert_eq!(moved[back], before[back]);
    assert_ne!(moved[back - 1], before[back - 1]);
    assert_ne!(moved[back + 1], before[back + 1]);
    let settled = AT + LATENCY + 200 + RAMP + 3 + RAMP - 1;
    assert_eq!(moved[settled..], after[settled..]);
}

#[test]
fn controls_sent_with_every_block_are_the_same_as_sent_once() {
    let input = tones(8000);
    let low = set(|controls| controls.mics[0].amount = 0.25);
    let once = run(&mut offline(2, &Controls::default()), &input, &[(1234, low.clone())], || 10);
    let changes: Vec<_> = (0..8000)
        .map(|at| (at, if at < 1234 { Controls::default() } else { low.clone() }))
        .collect();
    let always = run(&mut offline(2, &Controls::default()), &input, &changes, || 1);
    assert_eq!(always, once);
}

#[test]
fn an_amount_that_moves_with_every_sample_arrives() {
    let input = tones(12_000);
    let changes: Vec<_> = (1..6000)
        .map(|at| (at, set(|controls| controls.mics[0].amount = 1.0 - at as f32 / 6000.0)))
        .collect();
    let last = changes.last().unwrap().1.clone();
    let moved = run(&mut offline(2, &Controls::default()), &input, &changes, || 1);
    let after = run(&mut offline(2, &last), &input, &[], || 512);
    let settled = 6000 + LATENCY + RAMP;
    assert_eq!(moved[0][settled..], after[0][settled..]);
    let step = largest_step(&moved[0]) / largest_step(&input[0]);
    assert!(step < STEP_ALLOWED, "{step}");
}

#[test]
fn amounts_out_of_range_are_taken_to_its_ends() {
    let input = tones(6000);
    let amount = |amount: f32| {
        let controls = set(|controls| controls.mics[0].amount = amount);
        run(&mut offline(2, &controls), &input, &[], || 512)
    };
    assert_eq!(amount(7.0), amount(1.0));
    assert_eq!(amount(-1.0), amount(0.0));
    assert_eq!(amount(f32::NAN), amount(0.0));
    assert_ne!(amount(0.0)[0], amount(1.0)[0]);
}

#[test]
fn what_is_no_number_counts_as_none_and_disturbs_nothing_else() {
    let input = noise(2, 40_000);
    let play = |amount: f32, later: f32| {
        let mut controls = Controls::default();
        controls.pair_amount[0][1] = amount;
        let mut session =
            Session::prepare(&config(2, Pace::Offline), &controls, SessionMethod::default())
                .unwrap();
        let mut changed = controls.clone();
        changed.pair_amount[1][0] = later;
        run(&mut session, &input, &[(20_000, changed)], || 512)
    };
    let expected = play(0.0, 0.0);
    assert!(play(f32::NAN, f32::NAN) == expected);
    // The other mic is still cleaned.
    let dry = delayed(&input[1], LATENCY);
    assert!(largest_difference(&expected[1][..20_000], &dry[..20_000]) > 1e-3);
}

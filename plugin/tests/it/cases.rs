//! Situations that hosts cause, and the correct behaviour of the plugin; each case fails without
//! the guard.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plugin::guard::param_id_hash;

use super::case::{
    Case, Format, N, Unguarded, active, all, beside_a_lingering_block, expect, four_inputs, host,
    mono, on_audio_thread, out,
};
use super::children::{find, judge, run_asked};
use super::clap_host::ClapHost;
use super::host::{GARBAGE, Host, Odd, SetUp, TestBus};
use super::probes::{self, Asym, Het, LATENCY, PANIC, Probe, QUEUE_TASKS, Sym};
use super::vst3_host::Vst3Host;

/// Defines a test and its entry in the table, for every listed format.
macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident: $($format:ident $unguarded:ident),+ => $run:expr;)*) => {
        /// Every case, once per format.
        pub const ALL: &[Case] = &[$($(
            Case {
                name: concat!(stringify!($format), "::", stringify!($name)),
                unguarded: Unguarded::$unguarded,
                run: |guarded| {
                    let run: fn(Format, bool) -> Result<(), String> = $run;
                    run(Format::$format, guarded)
                },
            },
        )+)*];
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                $(judge(find(concat!(stringify!($format), "::", stringify!($name)), ALL));)+
            }
        )*
    };
}

cases! {
    // Defect 1.
    null_channels_of_inactive_buses_read_as_silence:
        Clap Crashes, Vst3 Crashes => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let mut inputs = [mono(1.0), mono(2.0), TestBus::null_channels(1), mono(4.0)];
        let mut outputs = [out(), out(), TestBus::null_channels(1), out()];
        host.process(&mut inputs, &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(4021.0))?;
        expect("bus 2", outputs[1].samples(), &all(20.0))?;
        expect("bus 4", outputs[3].samples(), &all(4000.0))
    };

    // Defect 1, without the array itself.
    missing_channel_arrays_read_as_silence: Clap IsWrong, Vst3 IsWrong => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let mut inputs = [mono(1.0), mono(2.0), TestBus::no_array(1), mono(4.0)];
        let mut outputs = [out(), TestBus::no_array(1), out(), out()];
        host.process(&mut inputs, &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(4021.0))
    };

    // Defect 2 in VST3.
    side_chains_arrive_beside_fewer_outputs: Vst3 IsWrong => |format, guarded| {
        let host = active::<Asym>(format, guarded);
        let mut outputs = [out()];
        host.process(&mut four_inputs(), &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(4321.0))
    };

    // Defect 2 in CLAP: the entry behind the last bus is read.
    no_bus_is_read_beyond_those_given: Clap IsWrong => |format, guarded| {
        let host = active::<Asym>(format, guarded);
        let mut outputs = [out()];
        let mut inputs = four_inputs();
        // The array has a fourth entry, but the host's count is three.
        let odd = Odd::OneInputLessThanThere;
        host.process_oddly(&mut inputs, &mut outputs, N, &[], odd);
        expect("main", outputs[0].samples(), &all(321.0))
    };

    // Defect 3.
    offline_is_offline_at_the_first_activation: Vst3 IsWrong => |format, guarded| {
        let mut host = host::<Sym>(format, guarded);
        assert!(host.activate(SetUp { offline: true, ..SetUp::default() }));
        expect("offline", probes::OFFLINE.load(Ordering::SeqCst), true)?;
        host.deactivate();
        assert!(host.activate(SetUp::default()));
        expect("offline later", probes::OFFLINE.load(Ordering::SeqCst), false)
    };

    // Defect 4.
    a_plugins_own_arrangement_is_accepted: Vst3 IsWrong => |_, guarded| {
        let mut host = Vst3Host::of::<Probe<Het>>(guarded);
        let (inputs, outputs) = host.arrangements();
        expect("arrangements", (inputs.len(), outputs.len()), (2, 1))?;
        expect("stereo accepted", host.arrange(inputs.clone(), outputs.clone()), true)?;
        expect("mono accepted", host.arrange(vec![1 << 19; 2], vec![1 << 19]), true)?;
        expect("mono reported", host.arrangements(), (vec![1 << 19; 2], vec![1 << 19]))?;
        expect("stereo again", host.arrange(inputs, outputs), true)?;
        expect("nonsense refused", host.arrange(vec![7, 7], vec![7]), false)?;
        assert!(host.activate(SetUp::default()));
        let mut outputs = [TestBus::output(2, N)];
        let mut inputs = [TestBus::filled(2, 1.0, N), mono(2.0)];
        host.process(&mut inputs, &mut outputs, N, &[]);
        expect("left", outputs[0].samples(), &all(21.0))?;
        expect("right", outputs[0].channels[1].clone(), Some(all(1.0)))
    };

    an_arrangement_is_reported_as_it_was_accepted: Vst3 IsWrong => |_, guarded| {
        let host = Vst3Host::of::<Probe<Het>>(guarded);
        // Left and right in unusual positions, and a side-chain on a channel of its own.
        let given = (vec![0b1_1000, 1 << 3], vec![0b11_0000]);
        expect("accepted", host.arrange(given.0.clone(), given.1.clone()), true)?;
        expect("reported", host.arrangements(), given.clone())?;
        expect("refused", host.arrange(vec![7, 1], vec![7]), false)?;
        expect("reported as before", host.arrangements(), given)?;
        // Without the side-chain: some hosts switch it off in this way.
        let given = (vec![3, 0], vec![3]);
        expect("accepted", host.arrange(given.0.clone(), given.1.clone()), true)?;
        expect("reported", host.arrangements(), given)?;
        let channels = |index| host.bus_info(0, index).map(|info| info.channelCount);
        expect("channels", (channels(0), channels(1)), (Some(2), Some(0)))
    };

    // Defect 5.
    an_output_without_channels_costs_no_other: Clap IsWrong, Vst3 IsWrong => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let mut outputs = [out(), out(), out(), TestBus { channels: vec![], no_array: false }];
        host.process(&mut four_inputs(), &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(4321.0))?;
        expect("bus 3", outputs[2].samples(), &all(300.0))
    };

    // Defect 6. All instances share the framework's worker. The worker ends at a task of a dropped
    // instance. The last instance then aborts in its drop because the worker is gone.
    unloading_with_queued_tasks_is_survived: Clap Crashes, Vst3 Crashes => |format, guarded| {
        let queue_tasks = |host: &dyn Host| {
            let mut inputs = four_inputs();
            inputs[0] = mono(QUEUE_TASKS);
            host.process(&mut inputs, &mut [out(), out(), out(), out()], N, &[]);
        };
        let (stays, goes) = (active::<Sym>(format, guarded), active::<Sym>(format, guarded));
        queue_tasks(&*stays);
        queue_tasks(&*goes);
        goes.unload();
        while probes::TASKS_DONE.load(Ordering::SeqCst) < probes::NUM_TASKS {
            std::thread::yield_now();
        }
        // The worker counts a task just before it releases the instance.
        std::thread::sleep(Duration::from_millis(20));
        stays.unload();
        Ok(())
    };

    // Defect 11. The framework's worker notifies the editor of each parameter change on the audio
    // thread. The worker ends at a change of a dropped instance. Then no task of the other
    // instances runs, and the last instance aborts in its drop.
    automation_leaves_nothing_to_do_for_other_threads: Vst3 Crashes => |format, guarded| {
        let queue_tasks = |host: &dyn Host| {
            let mut inputs = four_inputs();
            inputs[0] = mono(QUEUE_TASKS);
            host.process(&mut inputs, &mut [out(), out(), out(), out()], N, &[]);
        };
        let are_done = |times: usize| {
            let since = Instant::now();
            while probes::TASKS_DONE.load(Ordering::SeqCst) < times * probes::NUM_TASKS {
                if since.elapsed() > Duration::from_secs(5) {
                    return false;
                }
                std::thread::yield_now();
            }
            true
        };
        let (stays, goes) = (active::<Sym>(format, guarded), active::<Sym>(format, guarded));
        queue_tasks(&*stays);
        on_audio_thread(&*goes, |host| {
            let moves = [(param_id_hash("label"), 1.0)];
            host.process(&mut four_inputs(), &mut [out(), out(), out(), out()], N, &moves);
        });
        goes.unload();
        expect("done", are_done(1), true)?;
        queue_tasks(&*stays);
        expect("done later", are_done(2), true)?;
        stays.unload();
        Ok(())
    };

    // Defect 7.
    the_parameter_behind_the_last_is_refused: Clap Crashes, Vst3 Crashes => |format, guarded| {
        let host = host::<Sym>(format, guarded);
        expect("count", host.num_params(), 1)?;
        expect("last", host.param_name(0).is_some(), true)?;
        expect("behind", host.param_name(1), None)?;
        expect("far behind", host.param_name(u32::MAX), None)
    };

    // Defect 8.
    a_bus_that_goes_missing_after_a_short_block_is_whole: Clap IsWrong, Vst3 IsWrong
    => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let half = |value| TestBus::filled(1, value, N / 2);
        host.process(&mut [half(1.0), half(2.0), half(3.0), half(4.0)],
                     &mut [half(0.0), half(0.0), half(0.0), half(0.0)], N / 2, &[]);
        let mut outputs = [out(), out(), out(), out()];
        let mut inputs = [mono(1.0), mono(2.0), mono(3.0), TestBus::no_array(1)];
        host.process(&mut inputs, &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(321.0))
    };

    // Defect 9, first part.
    surplus_channels_are_survived: Clap Crashes, Vst3 Crashes => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let mut inputs = four_inputs();
        inputs[0] = TestBus::filled(2, 1.0, N);
        let mut outputs = [TestBus::output(2, N), out(), out(), out()];
        host.process(&mut inputs, &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(4321.0))?;
        expect("surplus", outputs[0].channels[1].clone(), Some(all(0.0)))
    };

    // Defect 9, second part.
    a_second_process_beside_the_first_is_survived: Clap Crashes, Vst3 Crashes
    => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        beside_a_lingering_block(&*host, |host| {
            let mut outputs = [out(), out(), out(), out()];
            let success = host.process(&mut four_inputs(), &mut outputs, N, &[]);
            expect("success", success, false)?;
            expect("main", outputs[0].samples(), &all(0.0))
        })?;
        let mut outputs = [out(), out(), out(), out()];
        expect("later", host.process(&mut four_inputs(), &mut outputs, N, &[]), true)?;
        expect("main", outputs[0].samples(), &all(4321.0))
    };

    // Defect 9, third part.
    a_reset_beside_a_block_does_not_wait: Clap IsWrong => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        beside_a_lingering_block(&*host, |host| {
            let start = Instant::now();
            host.reset();
            // The framework sleeps for 200 ms; a reset that only sets a flag takes microseconds.
            expect("waited", start.elapsed() > Duration::from_millis(190), false)
        })?;
        let before = probes::NUM_RESETS.load(Ordering::SeqCst);
        host.process(&mut four_inputs(), &mut [out(), out(), out(), out()], N, &[]);
        expect("made up for", probes::NUM_RESETS.load(Ordering::SeqCst), before + 1)
    };

    a_bus_that_was_switched_off_is_silent: Vst3 IsWrong => |_, guarded| {
        let mut host = Vst3Host::of::<Probe<Sym>>(guarded);
        host.switch_input(2, false);
        assert!(host.activate(SetUp::default()));
        let mut outputs = [out(), out(), out(), out()];
        host.process(&mut four_inputs(), &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(4021.0))?;
        host.switch_input(2, true);
        host.process(&mut four_inputs(), &mut outputs, N, &[]);
        expect("main again", outputs[0].samples(), &all(4321.0))
    };

    a_panic_at_activation_is_a_refusal: Clap Crashes, Vst3 Crashes => |format, guarded| {
        let mut host = host::<Sym>(format, guarded);
        let set_up = SetUp { rate: probes::PANIC_RATE, ..SetUp::default() };
        expect("activated", host.activate(set_up), false)?;
        expect("later", host.activate(SetUp::default()), true)
    };

    // Defect 10.
    every_output_is_a_main_bus_and_every_side_chain_is_not: Vst3 IsWrong => |_, guarded| {
        let host = Vst3Host::of::<Probe<Sym>>(guarded);
        for index in 0..4 {
            let kind = |direction| host.bus_info(direction, index).map(|info| info.busType);
            expect("output", kind(1), Some(0))?;
            expect("input", kind(0), Some(i32::from(index > 0)))?;
        }
        expect("behind the last", host.bus_info(1, 4).is_some(), false)?;
        expect("before the first", host.bus_info(0, -1).is_some(), false)
    };

    the_latency_is_right_before_the_first_activation: Clap IsWrong, Vst3 IsWrong
    => |format, guarded| {
        let mut host = host::<Sym>(format, guarded);
        expect("before", host.latency(), LATENCY)?;
        assert!(host.activate(SetUp::default()));
        host.idle();
        expect("after", host.latency(), LATENCY)?;
        expect("needless restarts", host.notices().1, 0)
    };

    blocks_longer_than_announced_are_cut: Clap IsWrong, Vst3 IsWrong => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let ramp: Vec<f32> = (0..200_u8).map(f32::from).collect();
        let long = |value| TestBus::filled(1, value, 200);
        let mut inputs = [TestBus::mono(&ramp), long(1.0), long(0.0), long(0.0)];
        let mut outputs = [long(GARBAGE), long(GARBAGE), long(GARBAGE), long(GARBAGE)];
        host.process(&mut inputs, &mut outputs, 200, &[]);
        let expected: Vec<f32> = ramp.iter().map(|value| value + 10.0).collect();
        expect("main", outputs[0].samples(), &expected)?;
        expect("longest block", probes::LONGEST_BLOCK.load(Ordering::SeqCst), N)
    };

    missing_buses_cost_no_other: Clap IsWrong, Vst3 IsWrong => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let mut outputs = [out(), out()];
        host.process(&mut four_inputs()[..2], &mut outputs, N, &[]);
        expect("main", outputs[0].samples(), &all(21.0))?;
        expect("bus 2", outputs[1].samples(), &all(20.0))?;
        let mut outputs = [out()];
        host.process(&mut [], &mut outputs, N, &[]);
        expect("without inputs", outputs[0].samples(), &all(0.0))?;
        host.process(&mut four_inputs(), &mut [], N, &[]);
        let mut many = [out(), out(), out(), out(), out()];
        host.process(&mut four_inputs(), &mut many, N, &[]);
        expect("surplus bus", many[4].samples(), &all(0.0))
    };

    buses_may_share_memory: Clap IsWrong, Vst3 IsWrong => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        let mut outputs = [out(), out(), out(), out()];
        // The second input shares its memory with the main output.
        outputs[0] = mono(2.0);
        let odd = Odd::SecondInputIsMainOutput;
        host.process_oddly(&mut four_inputs(), &mut outputs, N, &[], odd);
        expect("main", outputs[0].samples(), &all(4321.0))
    };

    a_panic_in_the_plugin_stays_there: Clap Crashes, Vst3 Crashes => |format, guarded| {
        let mut host = active::<Sym>(format, guarded);
        let mut inputs = four_inputs();
        inputs[0] = mono(PANIC);
        let mut outputs = [out(), out(), out(), out()];
        expect("success", host.process(&mut inputs, &mut outputs, N, &[]), false)?;
        expect("main", outputs[0].samples(), &all(0.0))?;
        // After the panic the dry signal has the reported latency.
        for block in 0..10 {
            let mut outputs = [out(), out(), out(), out()];
            expect("success", host.process(&mut four_inputs(), &mut outputs, N, &[]), false)?;
            let is_early = |at: usize| block * N + at < LATENCY as usize;
            let late = |value: f32, at: usize| if is_early(at) { 0.0 } else { value };
            let dry = |value: f32| -> Vec<f32> { (0..N).map(|at| late(value, at)).collect() };
            expect("dry main", outputs[0].samples(), &dry(1.0))?;
            expect("dry bus 3", outputs[2].samples(), &dry(3.0))?;
        }
        host.deactivate();
        assert!(host.activate(SetUp::default()));
        expect("success", host.process(&mut four_inputs(), &mut outputs, N, &[]), true)?;
        expect("main again", outputs[0].samples(), &all(4321.0))
    };

    processing_before_any_set_up_is_refused: Clap Crashes, Vst3 Crashes => |format, guarded| {
        let host = host::<Sym>(format, guarded);
        let mut outputs = [out(), out(), out(), out()];
        expect("success", host.process(&mut four_inputs(), &mut outputs, N, &[]), false)?;
        expect("main", outputs[0].samples(), &all(0.0))
    };

    double_precision_is_refused: Vst3 IsWrong => |_, guarded| {
        let host = Vst3Host::of::<Probe<Sym>>(guarded);
        expect("64 bits", host.set_up(SetUp::default(), 1) == 0, false)?;
        expect("32 bits", host.set_up(SetUp::default(), 0), 0)
    };

    a_set_up_that_makes_no_sense_is_refused: Clap IsWrong, Vst3 IsWrong => |format, guarded| {
        let mut host = host::<Sym>(format, guarded);
        for rate in [0.0, -48_000.0, f64::NAN, f64::INFINITY] {
            expect("refused", host.activate(SetUp { rate, ..SetUp::default() }), false)?;
        }
        expect("accepted", host.activate(SetUp::default()), true)
    };

    names_follow_and_hosts_are_told: Clap IsWrong, Vst3 IsWrong => |format, guarded| {
        let host = active::<Sym>(format, guarded);
        expect("fixed name", host.param_name(0).as_deref(), Some("Fixed"))?;
        let id = host.param_id(0).unwrap();
        // As hosts change parameters while audio runs.
        host.process(&mut four_inputs(), &mut [out(), out(), out(), out()], N, &[(id, 1.0)]);
        host.idle();
        expect("live name", host.param_name(0).as_deref(), Some("Live"))?;
        expect("notices", host.notices(), (1, 0))?;
        host.idle();
        expect("notices later", host.notices(), (1, 0))
    };

    a_host_that_calls_back_while_it_is_told_of_edits_goes_on: Clap IsWrong, Vst3 Crashes
    => super::reentry::edits;

    output_port_ids_do_not_depend_on_the_inputs: Clap IsWrong => |_, guarded| {
        let [sym, asym] = [
            ClapHost::of::<Probe<Sym>>(guarded).port(0, false).unwrap().id,
            ClapHost::of::<Probe<Het>>(guarded).port(0, false).unwrap().id,
        ];
        expect("ids", sym, asym)
    };
}

/// In a child process, runs its case.
#[test]
fn the_table_of_cases_is_sound() {
    run_asked(ALL);
    let mut names: Vec<_> = ALL.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

//! Tests of the host's checks, with plugins made of closures.

use super::*;
use crate::buffers::BusState;
use crate::fake::{Fake, input, set_output};
use crate::instance::RawCall;
use crate::model::RenderMode;

const CONFIG: AudioConfig =
    AudioConfig { rate_hz: 48_000.0, max_block_samples: 8, mode: RenderMode::Offline };

/// Processes four samples with two mono buses and returns the outputs or the host's error.
fn verdict(
    states: [BusState; 2],
    in_place: bool,
    process: impl FnMut(&mut RawCall) -> Result<()> + 'static,
) -> Result<[Vec<f32>; 2]> {
    let mut plugin = Fake::new(2, process).into_plugin();
    plugin.activate(CONFIG)?;
    let mut inputs = vec![BusBuffer::new(1, 8), BusBuffer::new(1, 8)];
    inputs[0].channel_mut(0).fill(0.5);
    inputs[1].channel_mut(0).fill(0.25);
    let mut outputs = vec![BusBuffer::new(1, 8), BusBuffer::new(1, 8)];
    for (bus, state) in states.into_iter().enumerate() {
        inputs[bus].state = state;
        outputs[bus].state = state;
    }
    plugin.process(&mut inputs, &mut outputs, 4, ProcessOptions { in_place, time: None })?;
    Ok([outputs[0].channel(0)[..4].to_vec(), outputs[1].channel(0)[..4].to_vec()])
}

fn copy(call: &mut RawCall, num_samples: usize) {
    for bus in 0..2 {
        for sample in 0..num_samples {
            set_output(call, bus, sample, input(call, bus, sample));
        }
    }
}

fn complaint(process: impl FnMut(&mut RawCall) -> Result<()> + 'static) -> String {
    format!("{:#}", verdict([BusState::Connected; 2], false, process).unwrap_err())
}

#[test]
fn a_correct_plugin_passes_with_and_without_shared_memory() {
    for in_place in [false, true] {
        let outputs = verdict([BusState::Connected; 2], in_place, move |call| {
            let shared = call.inputs[0].channels == call.outputs[0].channels;
            assert_eq!(shared, in_place);
            copy(call, call.num_samples);
            Ok(())
        });
        assert_eq!(outputs.unwrap(), [[0.5; 4], [0.25; 4]]);
    }
}

#[test]
fn inactive_buses_arrive_in_each_state() {
    for (state, num_channels, has_array) in [
        (BusState::NullChannels, 1, true),
        (BusState::NullArray, 1, false),
        (BusState::ZeroChannels, 0, false),
    ] {
        let outputs = verdict([BusState::Connected, state], true, move |call| {
            for bus in [&call.inputs[1], &call.outputs[1]] {
                assert_eq!(bus.num_channels, num_channels);
                assert_eq!(bus.channels.is_some(), has_array);
                let mut channels = bus.channels.iter().flatten();
                assert!(channels.all(|channel| channel.is_null()));
            }
            copy(call, call.num_samples);
            Ok(())
        });
        assert_eq!(outputs.unwrap()[0], [0.5; 4]);
    }
}

#[test]
fn silent_inputs_are_zero_and_announced() {
    let outputs = verdict([BusState::Connected, BusState::Silent], false, |call| {
        assert_eq!((call.inputs[0].silence, call.inputs[1].silence), (0, 1));
        copy(call, call.num_samples);
        Ok(())
    });
    assert_eq!(outputs.unwrap()[1], [0.0; 4]);
}

#[test]
fn an_unwritten_sample_is_found() {
    let complaint = complaint(|call| {
        copy(call, 3);
        Ok(())
    });
    assert!(complaint.contains("left sample 3 of output bus 0, channel 0 unwritten"));
}

#[test]
fn a_sample_that_is_not_a_number_is_found() {
    let complaint = complaint(|call| {
        copy(call, 4);
        set_output(call, 1, 2, f32::INFINITY);
        Ok(())
    });
    assert!(complaint.contains("sample 2 of output bus 1, channel 0 is not finite"));
}

#[test]
fn writing_behind_the_end_is_found() {
    let complaint = complaint(|call| {
        copy(call, 4);
        set_output(call, 1, 8, 0.0);
        Ok(())
    });
    assert!(complaint.contains("past the end of output bus 1"), "{complaint}");
}

#[test]
fn writing_into_an_input_is_found() {
    let complaint = complaint(|call| {
        copy(call, 4);
        std::mem::swap(&mut call.inputs, &mut call.outputs);
        set_output(call, 1, 1, 0.75);
        std::mem::swap(&mut call.inputs, &mut call.outputs);
        Ok(())
    });
    assert!(complaint.contains("wrote to sample 1 of input bus 1"), "{complaint}");
}

#[test]
fn a_false_claim_of_silence_is_found() {
    let complaint = complaint(|call| {
        copy(call, 4);
        call.outputs[0].silence = 1;
        Ok(())
    });
    assert!(complaint.contains("silence on output bus 0, channel 0, but"));
}

#[test]
fn errors_of_the_plugin_and_wrong_orders_of_calls_are_reported() {
    assert!(complaint(|_| bail!("no")).ends_with("a block of 4 samples: no"));
    let mut plugin = Fake::delay(1, 0).into_plugin();
    assert!(plugin.process(&mut [], &mut [], 1, ProcessOptions::default()).is_err());
    assert!(plugin.deactivate().is_err());
    plugin.activate(CONFIG).unwrap();
    assert!(plugin.activate(CONFIG).is_err());
    assert!(plugin.select_channels(&[1], &[1]).is_err());
    let error = plugin.process(&mut [], &mut [], 9, ProcessOptions::default()).unwrap_err();
    assert!(error.to_string().contains("longer than the maximum"));
}

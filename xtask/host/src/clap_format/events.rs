//! Parameter events for a CLAP plugin, and parameter changes by its editor.

use std::ffi::c_void;

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_GESTURE_BEGIN, CLAP_EVENT_PARAM_GESTURE_END,
    CLAP_EVENT_PARAM_VALUE, clap_event_header, clap_event_param_gesture, clap_event_param_value,
    clap_input_events, clap_output_events,
};

use crate::model::Gesture;

/// Size of one event in bytes, for its header.
#[allow(clippy::cast_possible_truncation, reason = "a few dozen bytes")]
const EVENT_BYTES: u32 = size_of::<clap_event_param_value>() as u32;

/// Parameter changes at the start of the next block.
#[derive(Default)]
pub(super) struct ParamEvents {
    events: Vec<clap_event_param_value>,
}

impl ParamEvents {
    pub(super) fn push(&mut self, param_id: u32, value: f64) {
        self.events.push(clap_event_param_value {
            header: clap_event_header {
                size: EVENT_BYTES,
                time: 0,
                space_id: CLAP_CORE_EVENT_SPACE_ID,
                type_: CLAP_EVENT_PARAM_VALUE,
                flags: 0,
            },
            param_id,
            cookie: std::ptr::null_mut(),
            note_id: -1,
            port_index: -1,
            channel: -1,
            key: -1,
            value,
        });
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
    }

    /// Returns the list for the plugin; valid while `self` is neither moved nor changed.
    pub(super) fn as_input(&self) -> clap_input_events {
        clap_input_events {
            ctx: std::ptr::from_ref(self).cast_mut().cast(),
            size: Some(size),
            get: Some(get),
        }
    }
}

/// Returns a list that stores the editor's gestures; valid while `gestures` is not moved.
pub(super) fn noting_output(gestures: &mut Vec<Gesture>) -> clap_output_events {
    let ctx = std::ptr::from_mut(gestures).cast();
    clap_output_events { ctx, try_push: Some(try_push) }
}

/// Returns the events of a list.
///
/// # Safety
///
/// `context` must come from [`ParamEvents::as_input`] and still be valid.
unsafe fn events<'a>(context: *mut c_void) -> &'a [clap_event_param_value] {
    // SAFETY: guaranteed by the caller.
    unsafe { &(*context.cast::<ParamEvents>()).events }
}

unsafe extern "C" fn size(list: *const clap_input_events) -> u32 {
    // SAFETY: the plugin passes the list that it received, during the call.
    u32::try_from(unsafe { events((*list).ctx) }.len()).unwrap_or(u32::MAX)
}

unsafe extern "C" fn get(list: *const clap_input_events, index: u32) -> *const clap_event_header {
    // SAFETY: as in `size`.
    let events = unsafe { events((*list).ctx) };
    events.get(index as usize).map_or(std::ptr::null(), |event| &raw const event.header)
}

unsafe extern "C" fn try_push(
    list: *const clap_output_events,
    event: *const clap_event_header,
) -> bool {
    // SAFETY: the plugin passes the list that it received, during the call, and an event whose
    // header gives its type.
    unsafe {
        let gestures = &mut *(*list).ctx.cast::<Vec<Gesture>>();
        if (*event).space_id != CLAP_CORE_EVENT_SPACE_ID {
            return true;
        }
        match (*event).type_ {
            CLAP_EVENT_PARAM_VALUE => {
                let value = &*event.cast::<clap_event_param_value>();
                gestures.push(Gesture::Value(value.param_id, value.value));
            }
            CLAP_EVENT_PARAM_GESTURE_BEGIN => {
                gestures.push(Gesture::Begin((*event.cast::<clap_event_param_gesture>()).param_id));
            }
            CLAP_EVENT_PARAM_GESTURE_END => {
                gestures.push(Gesture::End((*event.cast::<clap_event_param_gesture>()).param_id));
            }
            _ => {}
        }
    }
    true
}

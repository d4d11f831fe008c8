//! Events of a CLAP block that may be invalid.

use std::ptr::null;

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_NOTE_ON, CLAP_EVENT_PARAM_MOD, CLAP_EVENT_PARAM_VALUE,
    CLAP_EVENT_TRANSPORT, clap_event_header, clap_event_note, clap_event_param_mod,
    clap_event_param_value, clap_event_transport, clap_input_events,
};

use crate::calls::{Change, ChangeKind, bytes};

/// Storage for the largest event, aligned for all of them.
type Room = [u64; 16];

const _: () = assert!(size_of::<clap_event_transport>() <= size_of::<Room>());
const _: () = assert!(size_of::<clap_event_param_value>() <= size_of::<Room>());

/// The events of one block; `None` is passed as null.
pub(super) struct OddEvents(Vec<Option<Box<Room>>>);

impl OddEvents {
    /// Creates the events for `changes`; `param` maps parameters to their ids.
    pub(super) fn new(changes: &[Change], param: impl Fn(u32) -> u32) -> Self {
        Self(changes.iter().map(|change| event(change, param(change.param))).collect())
    }

    /// Returns the list for the plugin; valid while `self` is neither moved nor changed.
    pub(super) fn list(&self) -> clap_input_events {
        let ctx = std::ptr::from_ref(self).cast_mut().cast();
        clap_input_events { ctx, size: Some(size), get: Some(get) }
    }
}

fn event(change: &Change, param_id: u32) -> Option<Box<Room>> {
    let header = |bytes: usize, type_: u16| clap_event_header {
        size: u32::try_from(bytes).unwrap_or(0),
        time: change.sample.cast_unsigned(),
        space_id: CLAP_CORE_EVENT_SPACE_ID,
        type_,
        flags: param_id,
    };
    let value_bytes = size_of::<clap_event_param_value>();
    let value = |header| clap_event_param_value {
        header,
        param_id,
        cookie: std::ptr::without_provenance_mut(param_id as usize),
        note_id: -1,
        port_index: -1,
        channel: -1,
        key: -1,
        value: change.value,
    };
    Some(match change.kind {
        ChangeKind::Null => return None,
        ChangeKind::Value => stored(value(header(value_bytes, CLAP_EVENT_PARAM_VALUE))),
        ChangeKind::OtherSpace => {
            let mut other = header(value_bytes, CLAP_EVENT_PARAM_VALUE);
            other.space_id = 1 + u16::from(param_id.to_le_bytes()[0]);
            stored(value(other))
        }
        ChangeKind::Short => {
            let header = header(size_of::<clap_event_header>(), CLAP_EVENT_PARAM_VALUE);
            stored(value(header))
        }
        ChangeKind::Unknown => stored(header(size_of::<clap_event_header>(), 1000)),
        ChangeKind::Modulation => stored(clap_event_param_mod {
            header: header(size_of::<clap_event_param_mod>(), CLAP_EVENT_PARAM_MOD),
            param_id,
            cookie: std::ptr::null_mut(),
            note_id: -1,
            port_index: -1,
            channel: -1,
            key: -1,
            amount: 2.0 * change.value - 1.0,
        }),
        ChangeKind::Note => stored(clap_event_note {
            header: header(size_of::<clap_event_note>(), CLAP_EVENT_NOTE_ON),
            note_id: param_id.cast_signed(),
            port_index: -1,
            channel: 99,
            key: -7,
            velocity: change.value,
        }),
        ChangeKind::Transport => {
            let mut transport: clap_event_transport = bytes(u64::from(param_id));
            transport.header = header(size_of::<clap_event_transport>(), CLAP_EVENT_TRANSPORT);
            stored(transport)
        }
    })
}

fn stored<T>(event: T) -> Box<Room> {
    let mut room = Box::new([0; _]);
    // SAFETY: large enough and aligned for every event.
    unsafe { std::ptr::from_mut(&mut *room).cast::<T>().write(event) };
    room
}

unsafe extern "C" fn size(list: *const clap_input_events) -> u32 {
    // SAFETY: the plugin passes the list that it received, during the call.
    let events = unsafe { &(*(*list).ctx.cast::<OddEvents>()).0 };
    u32::try_from(events.len()).unwrap_or(0)
}

unsafe extern "C" fn get(list: *const clap_input_events, index: u32) -> *const clap_event_header {
    // SAFETY: as in `size`.
    let events = unsafe { &(*(*list).ctx.cast::<OddEvents>()).0 };
    match events.get(index as usize) {
        Some(Some(event)) => std::ptr::from_ref(&**event).cast(),
        _ => null(),
    }
}

//! The events of one CLAP block, passed on when they are due.
//!
//! The framework gets a block in pieces that begin at parameter changes, each with the events that
//! take effect at its first sample. It then ignores the times of the events, with one exception: it
//! splits blocks at transport changes, and reads beyond the buffers if such a change is after the
//! end. Transport events are therefore not passed on; every block carries the transport anyway.
//! Events that are null or shorter than their type are not passed on either, because the framework
//! reads them without a check.
#![allow(unsafe_code, reason = "a CLAP interface")]

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_MOD, CLAP_EVENT_PARAM_VALUE, CLAP_EVENT_TRANSPORT,
    clap_event_header, clap_event_param_mod, clap_event_param_value, clap_input_events,
    clap_output_events,
};

use crate::guard::View;

/// Replaces an event that the framework must not get; its type is unknown to any host or plugin.
static NOTHING: clap_event_header = clap_event_header {
    #[allow(clippy::cast_possible_truncation, reason = "a few bytes")]
    size: size_of::<clap_event_header>() as u32,
    time: 0,
    space_id: CLAP_CORE_EVENT_SPACE_ID,
    type_: u16::MAX,
    flags: 0,
};

/// A host's list of events, and the position of the block in it.
pub(super) struct Due {
    /// Null if the host has no events.
    host: *const clap_input_events,
    count: u32,
    /// Index of the block's last sample; later events take effect at it. CLAP sorts events by time.
    /// An event that is out of order takes effect with the event before it.
    last_sample: u32,
    /// Range of the events that are due, from `first` to `end`.
    first: u32,
    end: u32,
}

impl Due {
    /// Reads the list of a block's events; none of them is due yet.
    ///
    /// # Safety
    ///
    /// `host` is null or a live list that outlives this value.
    pub(super) unsafe fn new(host: *const clap_input_events, num_samples: usize) -> Self {
        // SAFETY: as the caller guarantees.
        let count = match unsafe { host.as_ref() } {
            Some(list) if list.get.is_some() => match list.size {
                // SAFETY: the host's own function.
                Some(size) => unsafe { size(host) },
                None => 0,
            },
            _ => 0,
        };
        let last_sample = u32::try_from(num_samples.saturating_sub(1)).unwrap_or(u32::MAX);
        Self { host, count, last_sample, first: 0, end: 0 }
    }

    fn event(&self, index: u32) -> *const clap_event_header {
        // SAFETY: a live list, as guaranteed in `new`; null only if there are no events.
        match unsafe { self.host.as_ref() }.and_then(|list| list.get) {
            // SAFETY: an index within the count.
            Some(get) if index < self.count => unsafe { get(self.host, index) },
            _ => std::ptr::null(),
        }
    }

    /// Returns the parameter change of an event, if it is one.
    fn change(&self, index: u32) -> Option<Change> {
        let event = self.event(index);
        // SAFETY: null or the host's event.
        let header = unsafe { event.as_ref() }?;
        let has_room_for = |bytes: usize| header.size as usize >= bytes;
        let sample = header.time.min(self.last_sample);
        match (header.space_id, header.type_) {
            (CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_VALUE)
                if has_room_for(size_of::<clap_event_param_value>()) =>
            {
                // SAFETY: type and size are checked.
                let event = unsafe { &*event.cast::<clap_event_param_value>() };
                Some(Change { sample, id: event.param_id, to: To::Value(event.value) })
            }
            (CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_MOD)
                if has_room_for(size_of::<clap_event_param_mod>()) =>
            {
                // SAFETY: as above.
                let event = unsafe { &*event.cast::<clap_event_param_mod>() };
                Some(Change { sample, id: event.param_id, to: To::Modulation(event.amount) })
            }
            _ => None,
        }
    }

    /// Advances to the piece that begins at `sample`. Returns the sample of the next change after
    /// it, if any.
    pub(super) fn advance(&mut self, sample: usize, view: &dyn View) -> Option<usize> {
        self.first = self.end;
        while self.end < self.count {
            match self.change(self.end) {
                Some(change) if change.sample as usize > sample => {
                    return Some(change.sample as usize);
                }
                Some(Change { id, to: To::Value(value), .. }) => view.value_comes(id, value),
                Some(Change { id, to: To::Modulation(offset), .. }) => {
                    view.modulation_comes(id, offset);
                }
                None => {}
            }
            self.end += 1;
        }
        None
    }

    /// Returns the events that are due as a list for the framework.
    pub(super) fn list(&self) -> clap_input_events {
        let ctx = std::ptr::from_ref(self).cast_mut().cast();
        clap_input_events { ctx, size: Some(size), get: Some(get) }
    }
}

/// A parameter change.
struct Change {
    /// Sample at which it takes effect.
    sample: u32,
    id: u32,
    to: To,
}

/// The new value or the new modulation.
enum To {
    Value(f64),
    Modulation(f64),
}

/// Returns the list's context.
///
/// # Safety
///
/// `list` comes from [`Due::list`] of a value that is still alive.
unsafe fn due<'a>(list: *const clap_input_events) -> &'a Due {
    // SAFETY: as the caller guarantees.
    unsafe { &*(*list).ctx.cast::<Due>() }
}

unsafe extern "C" fn size(list: *const clap_input_events) -> u32 {
    // SAFETY: the framework returns the list that it got.
    let due = unsafe { due(list) };
    due.end - due.first
}

unsafe extern "C" fn get(list: *const clap_input_events, index: u32) -> *const clap_event_header {
    // SAFETY: as above.
    let due = unsafe { due(list) };
    if index >= due.end - due.first {
        return std::ptr::null();
    }
    let event = due.event(due.first + index);
    // SAFETY: null or the host's event.
    let Some(header) = (unsafe { event.as_ref() }) else { return &raw const NOTHING };
    if header.space_id != CLAP_CORE_EVENT_SPACE_ID {
        return event;
    }
    let is_known = match header.type_ {
        CLAP_EVENT_TRANSPORT => false,
        CLAP_EVENT_PARAM_VALUE | CLAP_EVENT_PARAM_MOD => due.change(due.first + index).is_some(),
        _ => true,
    };
    if is_known { event } else { &raw const NOTHING }
}

/// Returns a host's output list, or null if it has no `try_push`: the framework does not check
/// for that.
///
/// # Safety
///
/// `list` is null or a live list.
pub(super) unsafe fn writable(list: *const clap_output_events) -> *const clap_output_events {
    // SAFETY: as the caller guarantees.
    let is_list = unsafe { list.as_ref() }.is_some_and(|list| list.try_push.is_some());
    if is_list { list } else { std::ptr::null() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap_sys::events::CLAP_EVENT_NOTE_ON;

    const MOVE: u16 = CLAP_EVENT_PARAM_VALUE;
    #[allow(clippy::cast_possible_truncation, reason = "a few dozen bytes")]
    const WHOLE: u32 = size_of::<clap_event_param_value>() as u32;

    /// Records the changes that it receives.
    #[derive(Default)]
    struct Noted(std::sync::Mutex<Vec<(u32, f64)>>);

    impl View for Noted {
        fn latency_samples(&self, _: &crate::guard::Activation) -> u32 {
            0
        }

        fn set_value(&self, _: u32, _: f32) -> bool {
            true
        }

        fn name(&self, _: u32) -> Option<String> {
            None
        }

        fn names_signature(&self) -> u64 {
            0
        }

        fn values_signature(&self) -> u64 {
            0
        }

        fn state_signature(&self) -> u64 {
            0
        }

        fn value_comes(&self, id: u32, value: f64) {
            self.0.lock().unwrap().push((id, value));
        }
    }

    unsafe extern "C" fn num_headers(list: *const clap_input_events) -> u32 {
        // SAFETY: the context is a `Vec` of events.
        u32::try_from(unsafe { &*(*list).ctx.cast::<Vec<clap_event_param_value>>() }.len()).unwrap()
    }

    unsafe extern "C" fn header(
        list: *const clap_input_events,
        index: u32,
    ) -> *const clap_event_header {
        // SAFETY: as above.
        let events = unsafe { &*(*list).ctx.cast::<Vec<clap_event_param_value>>() };
        std::ptr::from_ref(&events[index as usize].header)
    }

    fn event(time: u32, type_: u16, size: u32) -> clap_event_param_value {
        let space_id = CLAP_CORE_EVENT_SPACE_ID;
        clap_event_param_value {
            header: clap_event_header { size, time, space_id, type_, flags: 0 },
            param_id: 7,
            cookie: std::ptr::null_mut(),
            note_id: -1,
            port_index: -1,
            channel: -1,
            key: -1,
            value: f64::from(time),
        }
    }

    /// Returns the pieces of a block of `num_samples`: the start of each, and the times of the
    /// events that the framework gets with it.
    fn pieces(events: &[(u32, u16)], num_samples: usize) -> Vec<(usize, Vec<Option<u32>>)> {
        let events: Vec<_> =
            events.iter().map(|&(time, type_)| event(time, type_, WHOLE)).collect();
        pieces_of(events, num_samples, &Noted::default())
    }

    fn pieces_of(
        mut events: Vec<clap_event_param_value>,
        num_samples: usize,
        view: &Noted,
    ) -> Vec<(usize, Vec<Option<u32>>)> {
        let ctx = (&raw mut events).cast();
        let host = clap_input_events { ctx, size: Some(num_headers), get: Some(header) };
        // SAFETY: a live list.
        let mut due = unsafe { Due::new(&raw const host, num_samples) };
        let (mut found, mut now) = (Vec::new(), Some(0));
        while let Some(sample) = now {
            now = due.advance(sample, view);
            assert!(now.is_none_or(|next| next > sample));
            let list = due.list();
            // SAFETY: a live list, indices within the count; events are null or the host's.
            let times: Vec<_> = unsafe {
                let count = size(&raw const list);
                assert!(get(&raw const list, count).is_null());
                let event = |n| get(&raw const list, n).as_ref().unwrap();
                let is_seen =
                    |event: &&clap_event_header| !std::ptr::eq(*event, &raw const NOTHING);
                (0..count).map(|n| Some(event(n)).filter(is_seen).map(|event| event.time)).collect()
            };
            found.push((sample, times));
        }
        found
    }

    #[test]
    fn a_block_is_cut_where_parameters_move_and_nowhere_else() {
        let note = CLAP_EVENT_NOTE_ON;
        let events = [(0, MOVE), (3, note), (5, MOVE), (5, MOVE), (9, CLAP_EVENT_PARAM_MOD)];
        let expected =
            [(0, vec![Some(0), Some(3)]), (5, vec![Some(5), Some(5)]), (9, vec![Some(9)])];
        assert_eq!(pieces(&events, 64), expected);
        assert_eq!(pieces(&[], 64), [(0, vec![])]);
    }

    #[test]
    fn events_out_of_order_or_behind_the_end_are_handed_on_and_transport_is_not() {
        let events = [(7, MOVE), (2, MOVE), (200, MOVE), (300, CLAP_EVENT_TRANSPORT)];
        let expected = [(0, vec![]), (7, vec![Some(7), Some(2)]), (63, vec![Some(200), None])];
        assert_eq!(pieces(&events, 64), expected);
        // A block without samples only carries values.
        assert_eq!(pieces(&events[..3], 0), [(0, vec![Some(7), Some(2), Some(200)])]);
    }

    #[test]
    fn events_shorter_than_their_type_stay_here() {
        let view = Noted::default();
        let short = vec![event(1, MOVE, WHOLE - 1), event(2, MOVE, 0), event(3, MOVE, WHOLE)];
        let expected = [(0, vec![None, None]), (3, vec![Some(3)])];
        assert_eq!(pieces_of(short, 64, &view), expected);
        assert_eq!(*view.0.lock().unwrap(), [(7, 3.0)]);
    }

    #[test]
    fn a_host_without_a_list_has_no_events() {
        let empty = clap_input_events { ctx: std::ptr::null_mut(), size: None, get: None };
        for host in [std::ptr::null(), &raw const empty] {
            // SAFETY: no list; an empty one.
            let mut due = unsafe { Due::new(host, 64) };
            assert_eq!(due.advance(0, &Noted::default()), None);
            let list = due.list();
            // SAFETY: a live list.
            assert_eq!(unsafe { size(&raw const list) }, 0);
        }
    }
}

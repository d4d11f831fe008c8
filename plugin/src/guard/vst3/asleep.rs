//! Tellers with news whose own window is closed: the open window of another instance wakes the
//! host's main thread for them. Windows of linked instances edit other instances.

use std::sync::{Arc, Mutex, Weak};
use std::thread::ThreadId;

use super::teller::Teller;
use super::wake::Wake;
use crate::sync::lock;

/// Wake-ups of all open windows, with their main threads.
static OPEN: Mutex<Vec<(ThreadId, Weak<Wake>)>> = Mutex::new(Vec::new());
/// Tellers with news.
static NEWS: Mutex<Vec<Weak<Teller>>> = Mutex::new(Vec::new());

/// Notes the wake-up of a window that has opened.
pub(super) fn opens(main_thread: ThreadId, wake: &Arc<Wake>) {
    let mut open = lock(&OPEN);
    open.retain(|(_, wake)| wake.strong_count() > 0);
    open.push((main_thread, Arc::downgrade(wake)));
}

/// Notes that `teller` has news, and returns the wake-up of any window of its main thread; `None`
/// if no window is open.
pub(super) fn wake_for(teller: &Weak<Teller>, main_thread: ThreadId) -> Option<Arc<Wake>> {
    let of_thread =
        |(thread, wake): &(ThreadId, Weak<Wake>)| wake.upgrade().filter(|_| *thread == main_thread);
    let wake = lock(&OPEN).iter().find_map(of_thread)?;
    let mut news = lock(&NEWS);
    if !news.iter().any(|known| known.ptr_eq(teller)) {
        news.push(Weak::clone(teller));
    }
    Some(wake)
}

/// Lets the tellers with news report to their hosts, as far as this is their main thread.
pub(super) fn tell_hosts() {
    let here = std::thread::current().id();
    let news = std::mem::take(&mut *lock(&NEWS));
    let tellers: Vec<_> = news.iter().filter_map(Weak::upgrade).collect();
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        tellers.into_iter().partition(|teller| teller.main_thread() == here);
    lock(&NEWS).extend(elsewhere.iter().map(Arc::downgrade));
    here.iter().for_each(|teller| teller.tell_host());
}

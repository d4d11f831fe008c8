//! Random calls of a host, and the parts with which an instance of either format receives them.

mod audio;
mod call;

pub(crate) use audio::Audio;
pub(crate) use call::{
    Block, CALLS_PER_INSTANCE, Call, Change, ChangeKind, Randomness, State, WindowCall, class_of,
};

use anyhow::Result;

/// One instance, in either format.
pub(crate) trait Target {
    /// Makes the call.
    ///
    /// # Errors
    ///
    /// If the plugin violates the rules of its format. A refused call is no error.
    fn run(&mut self, call: &Call) -> Result<()>;
}

/// Returns the bytes to load; `saved` is the state that was saved last.
pub(crate) fn bytes_of_state(saved: &[u8], state: State) -> Vec<u8> {
    match state {
        State::Saved => saved.to_vec(),
        State::CutAt(thousandths) => saved[..saved.len() * thousandths.min(1000) / 1000].to_vec(),
        State::Changed(seed) => {
            let (mut bytes, mut random) = (saved.to_vec(), Randomness::new(seed));
            let place = random.next() % bytes.len().max(1) as u64;
            if let Some(byte) = usize::try_from(place).ok().and_then(|place| bytes.get_mut(place)) {
                *byte = random.next().to_le_bytes()[0];
            }
            bytes
        }
        State::Garbage { num_bytes, seed } => {
            let mut random = Randomness::new(seed);
            (0..num_bytes).map(|_| random.next().to_le_bytes()[0]).collect()
        }
    }
}

/// Data of a C interface for which every bit pattern is valid.
///
/// # Safety
///
/// The type must contain only numbers.
#[allow(unsafe_code, reason = "nothing else can promise it")]
pub(crate) unsafe trait Numeric: Copy {}

// SAFETY: the type contains only numbers.
#[allow(unsafe_code, reason = "as above")]
unsafe impl Numeric for clap_sys::events::clap_event_transport {}
// SAFETY: the type contains only numbers.
#[allow(unsafe_code, reason = "as above")]
unsafe impl Numeric for vst3::Steinberg::Vst::ProcessContext {}

/// Returns a value with random bytes from a seed.
#[allow(unsafe_code, reason = "as above")]
pub(crate) fn bytes<T: Numeric>(seed: u64) -> T {
    let mut random = Randomness::new(seed);
    let mut made = std::mem::MaybeUninit::<T>::uninit();
    for place in 0..size_of::<T>() {
        // SAFETY: inside the value, of which every byte is written.
        unsafe { made.as_mut_ptr().cast::<u8>().add(place).write(random.next().to_le_bytes()[0]) };
    }
    // SAFETY: every byte is written, and any bytes are valid.
    unsafe { made.assume_init() }
}

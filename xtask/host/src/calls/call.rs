//! Random calls, each determined only by a seed and its number.
//!
//! A call does not depend on earlier ones, so a list of numbers can be reduced to the few that
//! matter. The instance maps the call to its own parameters and buses.

use crate::pattern::next_random;

/// Number of consecutive calls to one instance.
pub(crate) const CALLS_PER_INSTANCE: u64 = 400;

/// Returns a random number that selects the class of the call's instance.
pub(crate) fn class_of(seed: u64, number: u64) -> u64 {
    Randomness::of(!seed, number / CALLS_PER_INSTANCE).next()
}

/// One call of a host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Activate {
        rate_hz: f64,
        min_block_samples: u32,
        max_block_samples: u32,
        offline: bool,
    },
    Deactivate,
    Start,
    Stop,
    Reset,
    Process(Block),
    /// Parameter changes without audio.
    Flush(Vec<Change>),
    /// A change of one parameter from the main thread.
    Set {
        param: u32,
        value: f64,
    },
    /// All queries of a parameter; `index` may be out of range.
    ReadParam {
        index: u32,
    },
    ValueToText {
        param: u32,
        value: f64,
    },
    TextToValue {
        param: u32,
        text: &'static str,
    },
    /// Saving to a stream that accepts `piece_bytes` at once.
    Save {
        piece_bytes: usize,
    },
    Load {
        state: State,
        piece_bytes: usize,
    },
    LatencyAndTail,
    ReadBus {
        is_input: bool,
        index: u32,
    },
    /// Another bus layout, which the plugin may not support.
    Layout {
        choice: u64,
    },
    SwitchBus {
        is_input: bool,
        index: u32,
        on: bool,
    },
    RenderMode(i32),
    Idle,
    Track(&'static str),
    /// A preset of the plugin by its key, or a file with this name.
    Preset {
        key: &'static str,
        is_file: bool,
    },
    /// Another instance that is initialised `num_inits` times and destroyed.
    Another {
        num_inits: u32,
    },
    /// Unknown names and numbers.
    Unknown(u32),
    Window(WindowCall),
    /// A call on the main thread while another thread processes a block.
    Beside(Block, Box<Call>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum WindowCall {
    Open,
    Resize([u32; 2]),
    Scale(f64),
    Close,
}

/// The state to load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// The state that was saved last.
    Saved,
    /// The saved state, truncated to this many thousandths of its length.
    CutAt(usize),
    /// The saved state with one byte changed.
    Changed(u64),
    Garbage {
        num_bytes: usize,
        seed: u64,
    },
}

/// A block of audio.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) num_samples: usize,
    pub(crate) buses: Buses,
    pub(crate) signal: Signal,
    pub(crate) changes: Vec<Change>,
    /// Seed of the transport information; `None` for no transport.
    pub(crate) transport: Option<u64>,
    pub(crate) in_place: bool,
    /// True if the host reports offline rendering, independent of the activation.
    pub(crate) renders: bool,
}

/// The buses of a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Buses {
    /// The plugin's buses.
    Own,
    /// The plugin's buses, some of them without memory.
    OwnWithout { inputs: u32, outputs: u32, array: bool },
    /// Arbitrary buses, with the number of channels and the memory of each.
    Any { inputs: Vec<(usize, Memory)>, outputs: Vec<(usize, Memory)> },
}

/// The memory of a bus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Memory {
    Given,
    NullChannels,
    NullArray,
}

/// The signal of a block's inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Signal {
    Constant(f32),
    Noise { seed: u64, gain: f32 },
    AnyBits(u64),
}

/// A parameter event, possibly invalid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) sample: i32,
    pub(crate) param: u32,
    pub(crate) value: f64,
    pub(crate) kind: ChangeKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChangeKind {
    Value,
    Modulation,
    /// An event from an unknown event space; in VST3 a queue without points.
    OtherSpace,
    /// A truncated event; in VST3 a point that cannot be read.
    Short,
    Note,
    Transport,
    /// An event of an unknown type.
    Unknown,
    Null,
}

/// The random numbers of one call.
pub(crate) struct Randomness(u64);

impl Randomness {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn of(seed: u64, number: u64) -> Self {
        let (mut seed, mut number) = (seed, number);
        Self(next_random(&mut seed) ^ next_random(&mut number).rotate_left(32))
    }

    pub(crate) fn next(&mut self) -> u64 {
        next_random(&mut self.0)
    }
}

fn below(random: &mut Randomness, limit: u64) -> u64 {
    random.next() % limit.max(1)
}

fn pick<T: Clone>(random: &mut Randomness, choices: &[T]) -> T {
    let place = below(random, choices.len() as u64);
    choices[usize::try_from(place).unwrap_or(0)].clone()
}

/// Returns true once in `times` calls on average.
fn once_in(random: &mut Randomness, times: u64) -> bool {
    below(random, times) == 0
}

#[allow(clippy::cast_possible_truncation, reason = "the low half is as random as the whole")]
fn small(random: &mut Randomness) -> u32 {
    if once_in(random, 12) { random.next() as u32 } else { below(random, 260) as u32 }
}

fn value(random: &mut Randomness) -> f64 {
    match below(random, 10) {
        0 => pick(
            random,
            &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1.0, 2.0, 17.0, 5e-324, 1e-310],
        ),
        1 => 0.0,
        2 => 1.0,
        _ => below(random, 1025) as f64 / 1024.0,
    }
}

fn piece_bytes(random: &mut Randomness) -> usize {
    pick(random, &[1, 7, 17, 1000, 1 << 20, 1 << 20])
}

impl Call {
    /// Returns the call with this number.
    pub(crate) fn at(seed: u64, number: u64) -> Self {
        let mut random = Randomness::of(seed, number);
        // Most instances are first activated and started; then any call may follow.
        match number % CALLS_PER_INSTANCE {
            0 if !once_in(&mut random, 4) => {
                return Self::Activate {
                    rate_hz: 48_000.0,
                    min_block_samples: 1,
                    max_block_samples: 512,
                    offline: once_in(&mut random, 6),
                };
            }
            1 => return Self::Start,
            _ => {}
        }
        Self::any(&mut random)
    }

    fn any(random: &mut Randomness) -> Self {
        match below(random, 4000) {
            0..=39 => Self::activate(random),
            40..=59 => Self::Deactivate,
            60..=99 => Self::Start,
            100..=119 => Self::Stop,
            120..=199 => Self::Reset,
            200..=399 => Self::Flush(changes(random, 6)),
            400..=599 => Self::Set { param: small(random), value: value(random) },
            600..=899 => Self::ReadParam { index: small(random) },
            900..=1099 => Self::ValueToText { param: small(random), value: value(random) },
            1100..=1299 => Self::TextToValue { param: small(random), text: text(random) },
            1300..=1359 => Self::Save { piece_bytes: piece_bytes(random) },
            1360..=1419 => Self::Load { state: state(random), piece_bytes: piece_bytes(random) },
            1420..=1559 => Self::LatencyAndTail,
            1560..=1659 => Self::ReadBus { is_input: once_in(random, 2), index: small(random) },
            1660..=1699 => Self::Layout { choice: random.next() },
            1700..=1779 => Self::SwitchBus {
                is_input: once_in(random, 2),
                index: small(random) % 20,
                on: once_in(random, 2),
            },
            1780..=1799 => Self::RenderMode(pick(random, &[0, 0, 1, 2, -1])),
            1800..=1949 => Self::Idle,
            1950..=1999 => Self::Track(track(random)),
            2000..=2029 => Self::Preset { key: preset(random), is_file: once_in(random, 6) },
            2030..=2034 => Self::Another { num_inits: small(random) % 3 },
            2035..=2099 => Self::Unknown(small(random)),
            2100..=2101 => Self::Window(WindowCall::Open),
            2102..=2105 => {
                let length =
                    |random: &mut Randomness| pick(random, &[0, 1, 300, 700, 1180, 2400, 100_000]);
                Self::Window(WindowCall::Resize([length(random), length(random)]))
            }
            2106..=2107 => Self::Window(WindowCall::Close),
            2108..=2109 => {
                let scales = [1.0, 0.5, 2.0, 8.0, 1e9, 0.0, -1.0, f64::NAN, f64::INFINITY];
                Self::Window(WindowCall::Scale(pick(random, &scales)))
            }
            2110..=2159 => {
                let block = block(random);
                Self::Beside(block, Box::new(Self::on_main_thread(random)))
            }
            _ => Self::Process(block(random)),
        }
    }

    fn activate(random: &mut Randomness) -> Self {
        let usual = [48_000.0, 44_100.0, 48_000.0, 96_000.0];
        let unusual = [
            8_000.0,
            192_000.0,
            768_000.0,
            1.0,
            0.0,
            -48_000.0,
            f64::NAN,
            f64::INFINITY,
            1e-300,
            1e300,
        ];
        Self::Activate {
            rate_hz: if once_in(random, 6) { pick(random, &unusual) } else { pick(random, &usual) },
            min_block_samples: pick(random, &[0, 1, 1, 64, 100_000]),
            max_block_samples: pick(random, &[0, 1, 16, 64, 64, 256, 512, 512, 1024, 4096]),
            offline: once_in(random, 6),
        }
    }

    /// Returns a call that hosts make on the main thread during audio processing.
    fn on_main_thread(random: &mut Randomness) -> Self {
        match below(random, 9) {
            0 => Self::Save { piece_bytes: 1 << 20 },
            1 => Self::Load { state: state(random), piece_bytes: 1 << 20 },
            2 => Self::ReadParam { index: small(random) },
            3 => Self::ValueToText { param: small(random), value: value(random) },
            4 => Self::TextToValue { param: small(random), text: text(random) },
            5 => Self::LatencyAndTail,
            6 => Self::Track(track(random)),
            7 => Self::Preset { key: preset(random), is_file: once_in(random, 6) },
            _ => Self::Idle,
        }
    }
}

fn text(random: &mut Randomness) -> &'static str {
    pick(
        random,
        &[
            "50 %",
            "12.5",
            "-12 dB",
            "No limit",
            "On",
            "Off",
            "Kick",
            "Room cleaned",
            "A",
            "nan",
            "inf",
            "1e999",
            "",
            " ",
            "\u{1F941}",
            "a text that is longer than any value has ever been and goes on and on",
        ],
    )
}

fn preset(random: &mut Randomness) -> &'static str {
    pick(
        random,
        &["drum-kit", "drum-kit-8", "band", "string-quartet", "choir", "podcast", "", "nobody's"],
    )
}

fn track(random: &mut Randomness) -> &'static str {
    pick(
        random,
        &[
            "Kick in",
            "",
            "Snare \u{1F941}",
            "a track whose name is longer than any mic's may be",
            "\u{7}\n",
        ],
    )
}

fn state(random: &mut Randomness) -> State {
    let thousandths = usize::try_from(below(random, 1001)).unwrap_or(0);
    match below(random, 8) {
        0 => State::CutAt(thousandths),
        1 => State::Changed(random.next()),
        2 => State::Garbage { num_bytes: 4 * thousandths, seed: random.next() },
        _ => State::Saved,
    }
}

fn changes(random: &mut Randomness, most: u64) -> Vec<Change> {
    use ChangeKind::{Modulation, Note, Null, OtherSpace, Short, Transport, Unknown, Value};
    let one = |random: &mut Randomness| Change {
        sample: pick(random, &[0, 0, 1, 17, 63, 64, 500, -1, i32::MAX]),
        param: small(random),
        value: value(random),
        kind: if once_in(random, 3) {
            pick(
                random,
                &[Modulation, Modulation, OtherSpace, Short, Note, Transport, Unknown, Null],
            )
        } else {
            Value
        },
    };
    (0..below(random, most + 1)).map(|_| one(random)).collect()
}

fn block(random: &mut Randomness) -> Block {
    let changes = if once_in(random, 3) { changes(random, 5) } else { Vec::new() };
    let buses = match below(random, 8) {
        0 => Buses::OwnWithout {
            inputs: small(random).wrapping_mul(0x0101),
            outputs: small(random).wrapping_mul(0x0101),
            array: once_in(random, 2),
        },
        1 => {
            let bus = |random: &mut Randomness| {
                use Memory::{Given, NullArray, NullChannels};
                let memory = pick(random, &[Given, Given, Given, Given, NullChannels, NullArray]);
                (pick(random, &[0, 1, 1, 1, 1, 2, 8, 17]), memory)
            };
            let list = |random: &mut Randomness| -> Vec<_> {
                (0..pick(random, &[0, 1, 1, 2, 7, 8, 9, 20])).map(|_| bus(random)).collect()
            };
            Buses::Any { inputs: list(random), outputs: list(random) }
        }
        _ => Buses::Own,
    };
    let signal = match below(random, 12) {
        0 => Signal::AnyBits(random.next()),
        1 => Signal::Constant(pick(
            random,
            &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-42, -1e-40, 1e30, -f32::MAX],
        )),
        2 => Signal::Constant(0.0),
        3 => Signal::Noise { seed: random.next(), gain: 1e-37 },
        _ => Signal::Noise { seed: random.next(), gain: pick(random, &[0.5, 1.0, 1e-4, 30.0]) },
    };
    Block {
        num_samples: pick(
            random,
            &[0, 1, 16, 31, 64, 64, 64, 65, 128, 128, 256, 480, 512, 513, 1100],
        ),
        buses,
        signal,
        changes,
        transport: (!once_in(random, 3)).then(|| random.next()),
        in_place: once_in(random, 4),
        renders: once_in(random, 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_number_make_a_call_and_other_ones_another() {
        let calls = |seed| (0..2000).map(|number| Call::at(seed, number)).collect::<Vec<_>>();
        // NaN values are not equal to themselves, so the texts are compared.
        let [first, again, other] = [1, 1, 2].map(|seed| format!("{:?}", calls(seed)));
        assert_eq!(first, again);
        assert_ne!(first, other);
    }

    #[test]
    fn every_kind_of_call_comes_and_every_class() {
        let mut kinds = std::collections::BTreeSet::new();
        let mut classes = std::collections::BTreeSet::new();
        for number in 0..60_000 {
            let call = format!("{:?}", Call::at(3, number));
            let word = |text: &str| text.split([' ', '(', '{']).next().unwrap_or("").to_owned();
            kinds.insert(word(&call));
            if let Call::Window(window) = Call::at(3, number) {
                kinds.insert(word(&format!("{window:?}")));
            }
            classes.insert(class_of(3, number) % 4);
        }
        assert_eq!(classes.len(), 4);
        assert_eq!(kinds.len(), 25 + 4, "{kinds:?}");
    }
}

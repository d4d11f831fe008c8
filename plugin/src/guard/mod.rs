//! The guard: stands between hosts and the plugin framework, so that the framework only ever gets well-formed calls.
//!
//! nice-plug 0.4.2 crashes, falls silent or misleads the host in a number of situations that are
//! normal for a plugin with many buses. The guard encloses it from both sides: hosts talk to the
//! proxies in [`clap`] and [`vst3`], and the framework talks to [`Inside`] instead of the plugin.
//! The framework itself only sees **one in-place main bus** that carries every channel of every
//! bus ([`flat`]), in memory that belongs to the guard (`scratch`), so none of its multi-bus code
//! runs at all.
//!
//! | # | what the framework does | made good by |
//! |---|---|---|
//! | 1 | dereferences null channel pointers of inactive buses | `scratch`: null reads as silence, writes to nowhere |
//! | 2 | counts auxiliary inputs against the number of outputs | [`flat`]: no auxiliary buses inside |
//! | 3 | activates with the previous `setupProcessing`'s process mode | `vst3::processor`: says it twice |
//! | 4 | matches auxiliary buses against the main bus in `setBusArrangements` | `vst3::processor`: matches itself |
//! | 5 | skips the whole block when one output bus has no channels | `scratch`: every channel exists inside |
//! | 6 | aborts when an instance with queued tasks is dropped | the proxies own the wrapper and drop it inside `panics::shield` |
//! | 7 | panics on `getParameterInfo(count)` | bounds checks in both proxies |
//! | 8 | keeps the previous block's slice length for a missing auxiliary input | [`flat`], `scratch` |
//! | 9 | panics on extra channels and concurrent calls, sleeps on the audio thread | `scratch`; one `lock` before every audio call |
//! | 10 | types auxiliary outputs `kAux` | `vst3::component` |
//! | 11 | tells its editor of VST3 parameter changes on a background thread: aborts if the instance goes, or a window opens, at that moment | the VST3 proxy sets parameters itself, by [`View::set_value`]; the editor draws on a timer |
//! | | has no latency before the first activation, asks for a needless restart | [`View::latency_samples`] |
//! | | keeps the host's name to itself | [`View::host_is`] |
//! | | goes by the set-up's process mode alone, while some hosts (Ardour) say with the block that they render | [`View::host_renders`] |
//! | | cannot change a parameter's name | [`View::name`] |
//! | | cannot tell hosts that the plugin moved a parameter, or has something new to save | [`View::values_signature`], [`View::state_signature`]; at once by a [`Bell`] |
//! | | CLAP output port ids move with the number of inputs | `clap::ports` |
//! | | panics when processed before it was set up; allocates for over-long blocks | the proxies refuse, and cut |
//! | | opens an editor in a CLAP host without `clap.gui` and panics | the proxy then has no such extension |
//! | | tells VST3 hosts of edits on the window's thread (Linux) | `vst3::teller` passes them on on the main thread |
//! | | relies on VST3 hosts to give every edit back; Ardour does not for parameters that cannot be automated | `vst3::waiting` keeps them for the next block |
//! | | a panic in the plugin aborts the host | [`Inside`] catches it, plays dry, as late as the host was told, from then on and reports errors |
//! | | ignores what a VST3 host sets while the plugin processes, so that a state saved before the next block lacks it | `vst3::waiting` keeps it |
//! | | panics when a VST3 host replaces its handler in the middle of being told something | has one ear for its whole life, which `vst3::teller` stands behind; no lock is held while a host is called |
//! | | reports another VST3 arrangement than the one it accepted | `vst3::processor` remembers it |
//! | | reads beyond the buffers for CLAP transport events after the end of a block; has changes count from the start of theirs | the proxies hand blocks on in pieces (`clap::due`, `vst3::due`) |
//! | | refuses VST3 states that a host's stream gives in pieces, and says that it saved what a stream did not take | `vst3::stream` |
//! | | believes CLAP streams about how much they took or gave; aborts for lists and streams without functions | `clap::stream`, `clap::due`, `clap::plugin` |
//! | | dereferences null events in a CLAP flush, and reads beyond events that are shorter than their type | `clap::due` |
//! | | tells CLAP hosts modulated values, and forgets a value set while modulation holds the parameter at its end | [`View::unmodulated`], [`View::value_comes`] |
//! | | reads texts as values that are no numbers, and takes render modes that nobody knows | both proxies |
//! | | has no CLAP presets and no ports that can be switched off; keeps the track's name for editors | `clap::discovery`, `clap::presets`, `clap::ports`, [`View::track_is`] |
//! | | leaves every VST3 window's event handler in the host's run loop, with two descriptors and 0.2 MB (Linux) | `vst3::window` and `vst3::run_loop` stand in for view and run loop |
//!
//! What no guard can make good: after defect 6 the framework's background thread is gone, and the
//! tasks of all other instances with it. Nothing is scheduled there, except by a VST3 host that loads a state on another thread than
//! the one that made the instance.

pub mod clap;
pub mod flat;
mod inside;
mod lock;
mod notice;
mod panics;
mod scratch;
mod view;
pub mod vst3;

pub use inside::Inside;
pub use view::{Activation, Bell, Guardable, View, param_id_hash};

/// The longest block handed to the plugin; longer ones are cut.
pub const MAX_BLOCK_SAMPLES: usize = 65_536;

/// The largest state that is read, as the framework has it; a host's stream that goes on is given up.
const MAX_STATE_BYTES: usize = 256 << 20;

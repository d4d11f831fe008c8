//! The guard between hosts and the plugin framework. It passes only well-formed calls to
//! the framework.
//!
//! nice-plug 0.4.2 crashes, falls silent or misleads the host in several situations that are normal
//! for a plugin with many buses. The guard encloses it from both sides: hosts call the proxies in
//! [`clap`] and [`vst3`], and the framework calls [`Inside`] instead of the plugin. The framework
//! gets **one in-place main bus** that carries every channel of every bus ([`flat`]), in memory of
//! the guard (`scratch`). None of its multi-bus code runs.
//!
//! | # | The framework | Remedy |
//! |---|---|---|
//! | 1 | dereferences null channel pointers of inactive buses | `scratch` checks for null |
//! | 2 | counts auxiliary inputs against the number of outputs | [`flat`]: no such buses inside |
//! | 3 | activates with the mode of the previous set-up | `vst3::processor` sets it up twice |
//! | 4 | compares auxiliary buses with the main bus | the comparison of `vst3::processor` |
//! | 5 | skips the block if one output bus has no channels | `scratch`: all channels exist |
//! | 6 | aborts when an instance with queued tasks is dropped | dropped inside `panics::shield` |
//! | 7 | panics on `getParameterInfo(count)` | bounds checks in both proxies |
//! | 8 | keeps the old slice length of a missing auxiliary input | [`flat`], `scratch` |
//! | 9 | panics on extra channels and concurrent calls | `scratch`; `lock` before audio calls |
//! | 10 | reports auxiliary outputs as `kAux` | `vst3::component` |
//! | 11 | notifies its editor of VST3 parameters on a background thread | [`View::set_value`] |
//! | | has no latency before the first activation | [`View::latency_samples`] |
//! | | does not expose the host's name | [`View::host_is`] |
//! | | ignores the process mode of a block | [`View::host_renders`] |
//! | | does not expose the host's count of samples | [`View::host_time`] |
//! | | cannot change a parameter's name | [`View::name`] |
//! | | cannot report parameters changed by the plugin | [`View::values_signature`], [`HostBell`] |
//! | | cannot report a state changed by the plugin | [`View::state_signature`], [`HostBell`] |
//! | | changes CLAP output port ids with the number of inputs | `clap::ports` |
//! | | panics on a block before the set-up | the proxies refuse the block |
//! | | allocates for over-long blocks | the proxies cut them |
//! | | panics on an editor in a CLAP host without `clap.gui` | `clap::extensions` creates none |
//! | | sends edits to VST3 hosts on the window's thread (Linux) | `vst3::teller` |
//! | | relies on VST3 hosts to return every edit | `vst3::waiting` keeps them for the next block |
//! | | aborts the host when the plugin panics | [`Inside`] catches the panic |
//! | | ignores values set by a VST3 host during processing | `vst3::waiting` keeps them |
//! | | panics when a VST3 host replaces its handler during a call | `vst3::teller` |
//! | | reports another VST3 arrangement than it accepted | `vst3::processor` stores it |
//! | | reads beyond the buffers for late CLAP transport events | `clap::due` |
//! | | applies all changes of a block at its start | `clap::due`, `vst3::due` |
//! | | refuses VST3 states that a stream returns in pieces | `vst3::stream` |
//! | | reports a VST3 state as saved if the stream did not take it | `vst3::stream` |
//! | | trusts the byte counts of CLAP streams | `clap::stream` |
//! | | aborts on CLAP lists and streams without functions | `clap::stream`, `clap::due` |
//! | | dereferences null events in a CLAP flush | `clap::due` |
//! | | reads beyond events that are shorter than their type | `clap::due` |
//! | | reports modulated values to CLAP hosts | [`View::unmodulated`] |
//! | | drops a value set while modulation clips the parameter | [`View::value_comes`] |
//! | | parses texts that are not numbers as values | both proxies |
//! | | accepts unknown render modes | `clap::extensions` |
//! | | has no CLAP presets | `clap::discovery`, `clap::presets` |
//! | | has no ports that can be switched off | `clap::ports` |
//! | | exposes the track's name to editors only | [`View::track_is`] |
//! | | never unregisters VST3 event handlers (Linux) | `vst3::window`, `vst3::run_loop` |
//!
//! Details:
//!
//! - Defect 1: a null input pointer reads as silence; samples for a null output pointer
//!   are discarded.
//! - Defect 3: the process mode of the previous `setupProcessing`.
//! - Defect 4: in `setBusArrangements`.
//! - Defect 6: the proxies own the wrapper.
//! - Defect 9: it also sleeps on the audio thread.
//! - Defect 11: it aborts if the instance is dropped, or a window opens, at that moment. The VST3
//!   proxy sets parameters itself, and the editor draws on a timer.
//! - Latency: it also requests a needless restart.
//! - Process mode: some hosts (Ardour) report only with the block that they render.
//! - Own changes: a [`HostBell`] reports them at once.
//! - Edits on the window's thread: `vst3::teller` forwards them on the main thread.
//! - Returned edits: Ardour does not return edits of parameters that cannot be automated.
//! - Panics of the plugin: [`Inside`] then outputs the dry signal with the reported latency, and
//!   returns errors.
//! - Values during processing: without the remedy, a state saved before the next block lacks them.
//! - Handlers: the framework keeps one handler for its whole life, which forwards to
//!   `vst3::teller`. No lock is held during a call of the host.
//! - Changes within a block: the proxies pass blocks on in pieces that begin at the changes.
//! - Late transport events: those after the end of the block.
//! - Handlers of closed windows: each keeps two descriptors and 0.2 MB. `vst3::window` and
//!   `vst3::run_loop` replace view and run loop.
//!
//! One consequence has no remedy: after defect 6 the framework's background thread is gone,
//! together with the tasks of all other instances. No tasks are scheduled there, except by a VST3
//! host that loads a state on another thread than the one that made the instance.

pub mod clap;
pub mod flat;
mod inside;
mod lock;
mod notice;
mod panics;
mod scratch;
mod time;
mod view;
pub mod vst3;

pub use inside::Inside;
pub use time::HostTime;
pub use view::{Activation, Guardable, HostBell, View, param_id_hash};

/// Longest block that the plugin gets, in samples; longer ones are cut.
pub const MAX_BLOCK_SAMPLES: usize = 65_536;

/// Largest state that is read, in bytes, equal to the framework's limit. Reading of a longer stream
/// is aborted.
const MAX_STATE_BYTES: usize = 256 << 20;

//! The audio paths: of classes whose instance has all mics, and of linked instances.

use std::sync::Arc;

use engine::SampleRate;
use link::Watcher;
use nice_plug::prelude::{AudioIOLayout, AuxiliaryBuffers, Buffer};

use crate::buses::MicMap;
use crate::classes::Topology;
use crate::console::LinkConsole;
use crate::delay::Delay;
use crate::guard::Activation;
use crate::live::{Live, LiveSession};
use crate::params::UnspillParams;
use crate::stay;

mod clock;
mod controls;
mod linked;
mod own;
mod pace;

use linked::LinkedPath;
use own::OwnPath;

/// Returns the latency of an activation in samples; real-time safe.
pub(crate) fn latency_samples(params: &UnspillParams, activation: &Activation) -> u32 {
    if params.class.topology == Topology::Linked {
        linked::latency_samples(params, activation)
    } else {
        own::latency_samples(params, activation)
    }
}

/// The audio half of one instance.
#[derive(Debug)]
pub(crate) struct AudioPath(Path);

/// The path of a class.
#[derive(Debug)]
enum Path {
    /// The instance has all mics.
    Own(Box<OwnPath>),
    /// The instance has one track.
    Linked(Box<LinkedPath>),
}

impl AudioPath {
    /// Creates the path of an instance that is not active yet.
    pub(crate) fn new(params: &Arc<UnspillParams>, live: &Arc<Live>) -> Self {
        if params.class.topology == Topology::Linked {
            let console = LinkConsole::new(params, live);
            Self(Path::Linked(Box::new(LinkedPath::new(console))))
        } else {
            Self(Path::Own(Box::default()))
        }
    }

    /// Prepares for audio.
    ///
    /// With the same configuration as before, this only clears the old audio.
    ///
    /// Without a worker the mics pass through unchanged. At a sample rate that the engine does not
    /// support they have no latency. If no thread or no shared memory can be had they have the
    /// latency that the host was given.
    pub(crate) fn activate(
        &mut self,
        params: &UnspillParams,
        layout: &AudioIOLayout,
        activation: &Activation,
    ) {
        let abandoned = engine::abandoned_workers();
        match &mut self.0 {
            Path::Own(path) => path.activate(params, layout, activation),
            Path::Linked(path) => path.activate(params, layout, activation),
        }
        keep_code(abandoned);
    }

    /// Returns the data that the editor reads; allocates.
    pub(crate) fn live(&self) -> Option<LiveSession> {
        match &self.0 {
            Path::Own(path) => path.live(),
            Path::Linked(path) => path.live(),
        }
    }

    /// Returns the reason why there is no worker, if that is an error.
    pub(crate) fn trouble(&self) -> Option<&str> {
        match &self.0 {
            Path::Own(_) => None,
            Path::Linked(path) => path.trouble(),
        }
    }

    /// Returns the view of the linked tracks, if the instance is linked.
    pub(crate) fn watcher(&self) -> Option<Watcher> {
        match &self.0 {
            Path::Own(_) => None,
            Path::Linked(path) => path.watcher(),
        }
    }

    /// Clears all audio; real-time safe.
    pub(crate) fn reset(&mut self) {
        match &mut self.0 {
            Path::Own(path) => path.reset(),
            Path::Linked(path) => path.reset(),
        }
    }

    /// Processes one block; real-time safe. The mics pass through if there is no worker or if it
    /// refuses the block.
    pub(crate) fn process(
        &mut self,
        params: &UnspillParams,
        map: &MicMap,
        main: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
    ) {
        match &mut self.0 {
            Path::Own(path) => path.process(params, map, main, aux),
            Path::Linked(path) => path.process(params, map, main, aux),
        }
    }
}

impl Drop for AudioPath {
    fn drop(&mut self) {
        let abandoned = engine::abandoned_workers();
        match &mut self.0 {
            Path::Own(path) => path.end(),
            Path::Linked(path) => path.end(),
        }
        keep_code(abandoned);
    }
}

/// Returns the sample rate of an activation; `None` if the engine does not support it.
fn rate_of(activation: &Activation) -> Option<SampleRate> {
    #[allow(clippy::cast_possible_truncation, reason = "the framework gives rates as f32 anyway")]
    SampleRate::new(activation.sample_rate_hz as f32).ok()
}

/// Returns id and version of the network of an instance.
fn model_of(params: &UnspillParams) -> Option<(&'static str, &'static str)> {
    let card = &params.saved.kept.model()?.card;
    Some((card.id.as_str(), card.version.as_str()))
}

/// Passes the mics through `dry`; real-time safe.
fn pass(dry: &mut Delay, map: &MicMap, main: &mut Buffer<'_>, aux: &mut AuxiliaryBuffers<'_>) {
    map.with_mics(main, aux, |mics| {
        mics.iter_mut().for_each(|mic| flush_subnormals(mic));
        dry.process(mics);
    });
}

/// Keeps the code in memory if a worker has been abandoned since `abandoned_before` was counted.
fn keep_code(abandoned_before: usize) {
    if engine::abandoned_workers() != abandoned_before {
        stay::in_memory();
    }
}

/// Replaces subnormal samples (below -758 dB) by silence.
///
/// Reverb tails and filters of other plugins decay into subnormal numbers, and arithmetic with them
/// can be a hundred times slower. Only the host may set the processor's flush-to-zero mode;
/// changing it here would be undefined behaviour. All other samples stay bit-identical.
fn flush_subnormals(samples: &mut [f32]) {
    for sample in samples {
        *sample = if sample.is_subnormal() { 0.0 } else { *sample };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_subnormal_samples_are_flushed() {
        let kept = [1.0, -f32::MIN_POSITIVE, f32::MIN_POSITIVE, 0.0, f32::INFINITY];
        let mut samples = kept;
        flush_subnormals(&mut samples);
        assert_eq!(samples, kept);
        let mut tail = [1e-39, -1e-45, f32::MIN_POSITIVE / 2.0];
        flush_subnormals(&mut tail);
        assert_eq!(tail, [0.0; 3]);
    }
}

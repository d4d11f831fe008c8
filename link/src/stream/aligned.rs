//! Leaves tracks out that are late or early by more than a room explains.

use super::Stream;
use crate::align::{Heard, Watcher};
use crate::track::{MemberId, Part, Track};

impl Stream {
    /// Looks for misaligned tracks from now on.
    pub(crate) fn watched(self, rate_hz: f32) -> Self {
        Self { watcher: Some(Watcher::new(rate_hz)), ..self }
    }

    /// Hands the samples of a hop to the watcher, and then silences the misaligned tracks.
    pub(super) fn listen(&mut self) {
        let hop = self.hop;
        if let Some(watcher) = &mut self.watcher {
            let tracks = self.tracks.iter().zip(&self.covers);
            let heard: Vec<Heard<'_>> = tracks
                .map(|(track, covers)| Heard {
                    id: track.id,
                    group: self.controls.mics[track.mic].group,
                    is_whole: covers.iter().map(|cover| cover.length).sum::<usize>() == hop,
                    samples: &self.samples[track.mic * hop..track.mics().end * hop],
                })
                .collect();
            watcher.push(hop, self.end, &heard);
            if let Some(offsets) = watcher.news() {
                for track in &mut self.tracks {
                    let found = offsets.iter().find(|(id, _)| *id == track.id);
                    track.misaligned_s = found.map(|(_, offset_s)| *offset_s);
                }
            }
        }
        for track in self.tracks.iter().filter(|track| is_left_out(track)) {
            self.samples[track.mic * hop..track.mics().end * hop].fill(0.0);
        }
    }

    /// States the offset of a track, as the watcher does.
    #[cfg(test)]
    pub(crate) fn set_misaligned(&mut self, id: MemberId, offset_s: Option<f32>) {
        let track = self.tracks.iter_mut().find(|track| track.id == id);
        track.into_iter().for_each(|track| track.misaligned_s = offset_s);
    }

    /// Removes nothing from the parts of misaligned tracks, and of those that lack a mic.
    pub(super) fn spare(&self, parts: &mut [(MemberId, Part)]) {
        for (id, part) in parts {
            let is_spared = |track: &Track| is_left_out(track) || track.side.lacks_mic;
            if self.tracks.iter().any(|track| track.id == *id && is_spared(track)) {
                (part.offset, part.rises) = (None, false);
            }
        }
    }
}

fn is_left_out(track: &Track) -> bool {
    track.misaligned_s.is_some()
}

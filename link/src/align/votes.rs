//! The tracks that most others disagree with, from the delays of pairs.

use super::ALIGNED_S;

/// Largest distance of two agreeing votes, in seconds.
const AGREEING_S: f32 = 0.015;
/// Least share of agreeing votes on a track.
const LEAST_AGREEMENT: f32 = 0.6;

/// Delay of one track after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vote {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) value_s: f32,
    /// True if the delay was found from both sides.
    pub(super) is_mutual: bool,
}

/// Verdict of the others on a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Opinion {
    /// Nothing, or nothing that agrees.
    Unknown,
    Aligned,
    /// Delay after the others in seconds.
    Off(f32),
}

/// Votes on a track that agree.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    track: usize,
    value_s: f32,
    count: usize,
    share: f32,
}

impl Agreed {
    /// Orders by certainty. Of two tracks that differ from each other alone, the later one is off.
    fn beats(&self, other: &Self) -> bool {
        let key = |of: &Self| (of.count, of.share > 0.99, of.value_s > 0.0);
        key(self) > key(other)
    }
}

/// Returns what the others say of each track.
///
/// The track with the most agreeing votes comes first. Its votes count no longer, and the others
/// are judged again.
pub(super) fn decide(num_tracks: usize, votes: &[Vote]) -> Vec<Opinion> {
    let mut opinions = vec![Opinion::Unknown; num_tracks];
    let mut votes = votes.to_vec();
    loop {
        let off = (0..num_tracks).filter_map(|track| agreed(track, &votes));
        let off = off.filter(|agreed| agreed.value_s.abs() > ALIGNED_S);
        let Some(worst) = off.reduce(|a, b| if b.beats(&a) { b } else { a }) else { break };
        opinions[worst.track] = Opinion::Off(worst.value_s);
        votes.retain(|vote| vote.from != worst.track && vote.to != worst.track);
    }
    for (track, opinion) in opinions.iter_mut().enumerate() {
        if *opinion == Opinion::Unknown && agreed(track, &votes).is_some() {
            *opinion = Opinion::Aligned;
        }
    }
    opinions
}

/// Returns the votes on a track that agree, if they are enough.
fn agreed(track: usize, votes: &[Vote]) -> Option<Agreed> {
    let mut values: Vec<(f32, bool)> = votes
        .iter()
        .filter_map(|vote| match track {
            _ if track == vote.to => Some((vote.value_s, vote.is_mutual)),
            _ if track == vote.from => Some((-vote.value_s, vote.is_mutual)),
            _ => None,
        })
        .collect();
    values.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    // For an even number of votes, the smaller of the two middle values.
    let (median, _) = *values.get(values.len().checked_sub(1)? / 2)?;
    let near = || values.iter().filter(|(value, _)| (value - median).abs() <= AGREEING_S);
    // Votes from both sides are free of the distance.
    let has_mutual = near().any(|(_, is_mutual)| *is_mutual);
    let mut best: Vec<f32> =
        near().filter(|(_, mutual)| *mutual || !has_mutual).map(|(value, _)| *value).collect();
    best.sort_by(f32::total_cmp);
    let (count, value_s) = (near().count(), best[best.len() / 2]);
    let share = count as f32 / values.len() as f32;
    let is_confirmed = has_mutual || count > 1 || value_s.abs() <= ALIGNED_S;
    (share >= LEAST_AGREEMENT && is_confirmed).then_some(Agreed { track, value_s, count, share })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decides from one vote per pair of tracks with these delays.
    fn decided(delays: &[f32]) -> Vec<(usize, f32)> {
        let mut votes = Vec::new();
        for from in 0..delays.len() {
            for to in from + 1..delays.len() {
                let value_s = delays[to] - delays[from];
                votes.push(Vote { from, to, value_s, is_mutual: true });
            }
        }
        let opinions = decide(delays.len(), &votes);
        let off = opinions.iter().enumerate();
        off.filter_map(|(track, opinion)| match opinion {
            Opinion::Off(value_s) => Some((track, *value_s)),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn the_minority_is_named_and_of_two_equal_parts_the_later_one() {
        assert_eq!(decided(&[0.0, 0.0, 0.25, 0.0]), [(2, 0.25)]);
        assert_eq!(decided(&[-0.25, 0.0, 0.0]), [(0, -0.25)]);
        assert_eq!(decided(&[0.0, -0.5]), [(0, 0.5)]);
        assert_eq!(decided(&[0.5, 0.0, 0.5, 0.0]), [(0, 0.5), (2, 0.5)]);
        assert_eq!(decided(&[0.0, 0.25, 0.0, 0.75, 0.0]), [(1, 0.25), (3, 0.75)]);
        assert_eq!(decided(&[0.0, 0.01, 0.02, 0.01]), []);
    }

    #[test]
    fn one_vote_from_one_side_and_votes_that_contradict_each_other_name_nobody() {
        let vote = |from, to, value_s| Vote { from, to, value_s, is_mutual: false };
        assert_eq!(decide(2, &[vote(0, 1, 0.2)]), [Opinion::Unknown; 2]);
        let votes = [vote(0, 1, 0.2), vote(0, 2, 0.5), vote(1, 2, -0.4)];
        assert_eq!(decide(3, &votes), [Opinion::Unknown; 3]);
        assert_eq!(decide(2, &[vote(0, 1, 0.01)]), [Opinion::Aligned; 2]);
    }
}

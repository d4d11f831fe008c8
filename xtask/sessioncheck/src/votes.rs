//! Finds the mics that differ from the others, from differences of pairs.

/// The delay or drift of one mic relative to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Vote {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Difference, positive if `to` is later.
    pub(crate) value: f64,
}

/// Thresholds of the decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Least difference of a mic.
    pub(crate) least: f64,
    /// Largest distance between agreeing votes: the larger of this and the next as a share of
    /// their value.
    pub(crate) tolerance: f64,
    pub(crate) tolerance_part: f64,
    /// Least number of agreeing votes, and their least share of all votes on the mic.
    pub(crate) least_votes: usize,
    pub(crate) least_agreement: f64,
}

/// Returns the mics that differ, with their differences, in the order of the mics.
///
/// The mic with the most agreeing votes comes first. Its difference is subtracted from the votes
/// that involve it, and the rest is evaluated again. If two mics, or two halves of the mics, differ
/// from each other, the result names the later ones in the list.
pub(crate) fn decide(num_mics: usize, mut votes: Vec<Vote>, rules: &Rules) -> Vec<(usize, f64)> {
    let mut found: Vec<(usize, f64)> = Vec::new();
    while found.len() < num_mics {
        let judged = (0..num_mics).filter(|mic| found.iter().all(|(known, _)| known != mic));
        let differing = judged.filter_map(|mic| Some((mic, agreed(mic, &votes, rules)?)));
        let Some((mic, (value, _))) = differing.max_by_key(|(_, (_, count))| *count) else { break };
        for vote in &mut votes {
            if vote.to == mic {
                vote.value -= value;
            } else if vote.from == mic {
                vote.value += value;
            }
        }
        found.push((mic, value));
    }
    found.sort_by_key(|(mic, _)| *mic);
    found
}

/// Returns the difference on which enough votes agree, and the number of these votes.
fn agreed(mic: usize, votes: &[Vote], rules: &Rules) -> Option<(f64, usize)> {
    let mut values: Vec<f64> = votes
        .iter()
        .filter_map(|vote| match mic {
            _ if mic == vote.to => Some(vote.value),
            _ if mic == vote.from => Some(-vote.value),
            _ => None,
        })
        .collect();
    values.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // For an even number of votes, the smaller of the two middle values.
    let median = *values.get(values.len().checked_sub(1)? / 2)?;
    let tolerance = rules.tolerance.max(rules.tolerance_part * median.abs());
    let near: Vec<f64> =
        values.iter().copied().filter(|value| (value - median).abs() <= tolerance).collect();
    let is_agreed = near.len() >= rules.least_votes
        && near.len() as f64 >= rules.least_agreement * values.len() as f64;
    let mean = near.iter().sum::<f64>() / near.len() as f64;
    (is_agreed && mean.abs() > rules.least).then_some((mean, near.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        least: 0.5,
        tolerance: 0.2,
        tolerance_part: 0.0,
        least_votes: 1,
        least_agreement: 0.5,
    };

    /// Decides from one vote per pair of mics with these values.
    fn decided(values: &[f64]) -> Vec<(usize, f64)> {
        let mut votes = Vec::new();
        for from in 0..values.len() {
            for to in from + 1..values.len() {
                votes.push(Vote { from, to, value: values[to] - values[from] });
            }
        }
        decide(values.len(), votes, &RULES)
    }

    #[test]
    fn the_minority_is_named() {
        assert_eq!(decided(&[0.0, 0.0, 2.0, 0.0]), [(2, 2.0)]);
        assert_eq!(decided(&[2.0, 0.0, 0.0]), [(0, 2.0)]);
        assert_eq!(decided(&[0.0, -3.0]), [(1, -3.0)]);
        assert_eq!(decided(&[1.0, 1.0, -1.0, 1.0]), [(2, -2.0)]);
        assert_eq!(decided(&[1.0, 0.0, 1.0, 0.0]), [(1, -1.0), (3, -1.0)]);
        assert_eq!(decided(&[0.0, 1.0, 0.0, 7.0, 0.0]), [(1, 1.0), (3, 7.0)]);
        assert_eq!(decided(&[0.0, 0.1, 0.2, 0.1]), []);
    }

    #[test]
    fn votes_that_contradict_each_other_name_nobody() {
        let vote = |from, to, value| Vote { from, to, value };
        let votes = vec![vote(0, 1, 2.0), vote(0, 2, 5.0), vote(1, 2, -4.0)];
        let rules = Rules { least_votes: 2, ..RULES };
        assert_eq!(decide(3, votes, &rules), []);
        // One wrong vote of five does not hide a late mic.
        let mut votes: Vec<Vote> = (1..5).map(|other| vote(other, 0, 2.0)).collect();
        votes.push(vote(5, 0, 9.0));
        assert_eq!(decide(6, votes, &rules), [(0, 2.0)]);
    }
}

//! Finds the mics that differ from the others, from the differences of pairs.

/// How much later, or how much slower, one mic is than another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Vote {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Positive where `to` is later.
    pub(crate) value: f64,
}

/// When votes count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Smaller differences are none.
    pub(crate) least: f64,
    /// Votes agree that are so close to each other, or to this part of their value.
    pub(crate) tolerance: f64,
    pub(crate) tolerance_part: f64,
    /// How many votes must agree, and which part of all votes on a mic.
    pub(crate) least_votes: usize,
    pub(crate) least_agreement: f64,
}

/// The mics that differ, with their differences, by mic.
///
/// The mic on which most votes agree comes first. Its difference explains the votes that it is part
/// of, and what they leave is asked again. Of two mics, or halves, that differ from each other the
/// later ones in the list are named.
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

/// The difference on which enough votes agree, and how many do.
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
    // Of an even number the smaller of both in the middle.
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

    /// One vote per pair of mics with these values.
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
        // One wrong vote of five does not hide a mic that is late.
        let mut votes: Vec<Vote> = (1..5).map(|other| vote(other, 0, 2.0)).collect();
        votes.push(vote(5, 0, 9.0));
        assert_eq!(decide(6, votes, &rules), [(0, 2.0)]);
    }
}

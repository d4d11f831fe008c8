//! Places for the mics of instances among those of the worker.

use std::ops::Range;

/// The mics of an instance, whether it is linked or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Holder {
    pub(super) mics: Range<usize>,
    /// Number of sides of its track. It has one mic as long as these do not differ.
    pub(super) num_sides: usize,
}

impl Holder {
    fn has(&self, mic: usize) -> bool {
        self.mics.contains(&mic)
    }

    /// Returns true if the sides of this instance will need the mic once they differ.
    fn may_need(&self, mic: usize) -> bool {
        (self.mics.start..self.mics.start + self.num_sides).contains(&mic)
    }
}

/// Returns a mic for a new instance. If possible it has room for all its sides, and leaves the
/// others room for theirs.
pub(super) fn mic_for(holders: &[Holder], num_sides: usize, num_mics: usize) -> Option<usize> {
    let is_free = |mic: usize| mic < num_mics && !holders.iter().any(|holder| holder.has(mic));
    let is_spare = |mic: usize| is_free(mic) && !holders.iter().any(|holder| holder.may_need(mic));
    let has_room = |first: &usize| (*first..first + num_sides).all(is_spare);
    let mut mics = 0..num_mics;
    mics.clone()
        .find(has_room)
        .or_else(|| mics.clone().find(|&mic| is_spare(mic)))
        .or_else(|| mics.find(|&mic| is_free(mic)))
}

/// Finds two mics in a row for an instance with one mic. Other instances with one mic make way if
/// there are free mics for them: as few as possible. Returns all that move with their new mics.
pub(super) fn widen(holders: &[Holder], of: usize, num_mics: usize) -> Option<Vec<(usize, usize)>> {
    let own = holders[of].mics.start;
    let plans = (0..num_mics.saturating_sub(1)).filter_map(|first| {
        let pair = first..first + 2;
        let is_in_the_way = |(index, holder): &(usize, &Holder)| {
            *index != of && pair.clone().any(|mic| holder.has(mic))
        };
        let in_the_way = holders.iter().enumerate().filter(is_in_the_way);
        let in_the_way: Vec<(usize, &Holder)> = in_the_way.collect();
        let is_free = |mic: &usize| {
            let is_held = |(index, holder): (usize, &Holder)| index != of && holder.has(*mic);
            !pair.contains(mic) && !holders.iter().enumerate().any(is_held)
        };
        let mut free = (0..num_mics).filter(is_free);
        let mut moves = Vec::new();
        for (index, holder) in &in_the_way {
            moves.push((*index, (holder.mics.len() == 1).then(|| free.next()).flatten()?));
        }
        if first != own {
            moves.push((of, first));
        }
        Some(moves)
    });
    plans.min_by_key(Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(first: usize, width: usize, num_sides: usize) -> Holder {
        Holder { mics: first..first + width, num_sides }
    }

    /// Adds instances with these numbers of sides, and returns their mics.
    fn mics(sides: &[usize], num_mics: usize) -> Vec<Option<usize>> {
        let mut holders = Vec::new();
        let mut add = |&num_sides: &usize| {
            let mic = mic_for(&holders, num_sides, num_mics)?;
            holders.push(holder(mic, 1, num_sides));
            Some(mic)
        };
        sides.iter().map(&mut add).collect()
    }

    #[test]
    fn stereo_tracks_have_room_for_their_second_side_as_long_as_there_is_any() {
        assert_eq!(mics(&[1, 2, 1, 2], 8), [0, 1, 3, 4].map(Some));
        assert_eq!(mics(&[2; 5], 4), [Some(0), Some(2), Some(1), Some(3), None]);
        assert_eq!(mics(&[2, 1, 1, 1, 1], 4), [Some(0), Some(2), Some(3), Some(1), None]);
    }

    #[test]
    fn a_second_side_takes_the_mic_beside_the_first_one() {
        let holders = [holder(0, 1, 1), holder(1, 1, 2), holder(3, 1, 2)];
        assert_eq!(widen(&holders, 1, 4), Some(vec![]));
        assert_eq!(widen(&holders, 2, 5), Some(vec![]));
    }

    #[test]
    fn an_instance_moves_or_others_make_way_for_a_second_side() {
        // To two free mics.
        let holders = [holder(0, 1, 2), holder(1, 2, 2)];
        assert_eq!(widen(&holders, 0, 5), Some(vec![(0, 3)]));
        // To a free mic on the left.
        assert_eq!(widen(&[holder(1, 1, 2), holder(2, 2, 2)], 0, 4), Some(vec![(0, 0)]));
        // Free mics lie apart: the neighbour goes to one of them.
        let holders = [holder(0, 1, 2), holder(1, 1, 1), holder(2, 2, 2)];
        assert_eq!(widen(&holders, 0, 5), Some(vec![(1, 4)]));
        // Two neighbours have the only pair; one of them takes the own mic.
        let holders = [holder(0, 2, 2), holder(2, 1, 2), holder(3, 2, 2), holder(5, 1, 1)];
        assert_eq!(
            widen(&holders, 1, 7),
            Some(vec![(1, 5), (3, 2)]).map(|mut moves| {
                moves.reverse();
                moves
            })
        );
    }

    #[test]
    fn a_second_side_has_no_mic_if_all_are_taken() {
        assert_eq!(widen(&[holder(0, 1, 2), holder(1, 1, 1)], 0, 2), None);
        assert_eq!(widen(&[holder(0, 1, 2), holder(1, 2, 2)], 0, 3), None);
        // One free mic between pairs is not enough where nobody can make way.
        let holders = [holder(0, 1, 2), holder(1, 2, 2), holder(3, 2, 2)];
        assert_eq!(widen(&holders, 0, 6), None);
    }

    /// Every plan leaves each instance mics of its own.
    #[test]
    fn no_two_instances_share_a_mic_after_a_plan() {
        let mut num_plans = 0;
        for code in 0..3_usize.pow(6) {
            let mut holders = Vec::new();
            let mut mic = 0;
            for digit in (0..6).map(|place| code / 3_usize.pow(place) % 3) {
                if digit > 0 && mic + digit <= 6 {
                    holders.push(holder(mic, digit, 2));
                }
                mic += digit.max(1);
            }
            for of in (0..holders.len()).filter(|&of| holders[of].mics.len() == 1) {
                let used: usize = holders.iter().map(|holder| holder.mics.len()).sum();
                let Some(moves) = widen(&holders, of, 6) else { continue };
                num_plans += 1;
                assert!(used < 6);
                let mut after = holders.clone();
                for (index, to) in moves {
                    after[index].mics = to..to + after[index].mics.len();
                }
                after[of].mics.end += 1;
                let mut held = [0; 6];
                after.iter().flat_map(|holder| holder.mics.clone()).for_each(|mic| held[mic] += 1);
                assert!(held.iter().all(|&times| times <= 1), "{holders:?} {after:?}");
            }
        }
        assert!(num_plans > 100, "{num_plans}");
    }
}

//! Removes the entries of a list that a failure does not need.

use anyhow::Result;

/// Removes parts of the list as long as it still fails; tries at most `max_runs` lists.
///
/// Parts are halved until they are single entries. Then the list no longer fails without any one of
/// its entries, unless the runs were used up before. `fails` returns true if a list fails.
///
/// # Errors
///
/// The errors of `fails`.
///
/// # Source
///
/// Andreas Zeller and Ralf Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE
/// Transactions on Software Engineering 28 (2), 2002: the minimising algorithm of figure 5, of
/// which only complements are tried.
pub fn shrink(
    list: &[u64],
    max_runs: usize,
    mut fails: impl FnMut(&[u64]) -> Result<bool>,
) -> Result<Vec<u64>> {
    let mut list = list.to_vec();
    let (mut num_parts, mut num_runs) = (2, 0);
    while list.len() > 1 {
        let length = list.len().div_ceil(num_parts);
        let mut is_shorter = false;
        let mut start = 0;
        while start < list.len() && num_runs < max_runs {
            let end = (start + length).min(list.len());
            let rest = [&list[..start], &list[end..]].concat();
            num_runs += 1;
            if !rest.is_empty() && fails(&rest)? {
                list = rest;
                is_shorter = true;
            } else {
                start = end;
            }
        }
        if num_runs >= max_runs || length == 1 && !is_shorter {
            break;
        }
        num_parts = if is_shorter { num_parts } else { 2 * num_parts }.min(list.len().max(2));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shrinks the numbers below 1000 for a failure that needs `needed`; returns the result and the
    /// number of runs.
    fn shrunk(needed: &[u64], max_runs: usize) -> (Vec<u64>, usize) {
        let mut num_runs = 0;
        let list: Vec<u64> = (0..1000).collect();
        let shortest = shrink(&list, max_runs, |list| {
            num_runs += 1;
            Ok(needed.iter().all(|number| list.contains(number)))
        });
        (shortest.unwrap(), num_runs)
    }

    #[test]
    fn what_is_needed_remains_and_nothing_else_does() {
        for needed in [&[0][..], &[999], &[500], &[0, 999], &[3, 4, 5], &[10, 400, 401, 998]] {
            let (shortest, num_runs) = shrunk(needed, usize::MAX);
            assert_eq!(shortest, needed);
            assert!(num_runs < 150, "{num_runs}");
        }
    }

    #[test]
    fn when_the_tries_run_out_what_remains_still_fails() {
        let (list, num_runs) = shrunk(&[10, 400, 998], 7);
        assert_eq!(num_runs, 7);
        assert!([10, 400, 998].iter().all(|number| list.contains(number)) && list.len() < 1000);
    }

    #[test]
    fn one_call_is_short_enough() {
        assert_eq!(shrink(&[7], 10, |_| anyhow::bail!("nothing to try")).unwrap(), [7]);
    }
}

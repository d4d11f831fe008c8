//! A median over neighbouring hops and bins: keeps values that are steady along the kernel.

use std::ops::Range;

/// Replaces each value of `[time, bin]` by the median of the `hops` x `bins` values around it.
///
/// Even sizes reach one further back than forward. The window is cut at the edges. For an even
/// count, the upper of the two middle values is used.
pub(super) fn filter(values: &mut [f32], num_bins: usize, hops: usize, bins: usize) {
    if num_bins == 0 {
        return;
    }
    let num_hops = values.len() / num_bins;
    let old = values.to_vec();
    let mut window = Vec::with_capacity(hops.max(1) * bins.max(1));
    for hop in 0..num_hops {
        let near_hops = around(hop, hops, num_hops);
        for bin in 0..num_bins {
            let near_bins = around(bin, bins, num_bins);
            window.clear();
            for hop in near_hops.clone() {
                window.extend_from_slice(&old[hop * num_bins..][near_bins.clone()]);
            }
            let middle = window.len() / 2;
            let (_, &mut median, _) = window.select_nth_unstable_by(middle, f32::total_cmp);
            values[hop * num_bins + bin] = median;
        }
    }
}

/// Returns the positions in a window of `size` around `position`, cut to `0..len`.
fn around(position: usize, size: usize, len: usize) -> Range<usize> {
    let start = position.saturating_sub(size / 2);
    start..len.min(position + size.max(1) - size / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_cut_at_the_edges() {
        assert_eq!(around(0, 3, 5), 0..2);
        assert_eq!(around(2, 3, 5), 1..4);
        assert_eq!(around(2, 4, 5), 0..4);
        assert_eq!(around(4, 3, 5), 3..5);
        assert_eq!(around(2, 0, 5), 2..3);
        assert_eq!(around(2, 1, 5), 2..3);
    }

    #[test]
    fn a_single_peak_is_dropped_and_a_line_along_the_kernel_is_kept() {
        let mut values = vec![1.0; 7 * 5];
        values[3 * 5 + 1] = 100.0; // a peak
        for hop in 0..7 {
            values[hop * 5 + 3] = 9.0; // a steady line
        }
        filter(&mut values, 5, 3, 1);
        for hop in 0..7 {
            assert_eq!(values[hop * 5..][..5], [1.0, 1.0, 1.0, 9.0, 1.0], "hop {hop}");
        }
        filter(&mut values, 5, 1, 3);
        for hop in 0..7 {
            // At the edge, the upper of 9 and 1 is used.
            assert_eq!(values[hop * 5..][..5], [1.0, 1.0, 1.0, 1.0, 9.0], "hop {hop}");
        }
    }
}

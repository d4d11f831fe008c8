//! Finds when a source plays.

/// Returns the spans in seconds in which a source is within 35 dB of its loudest 20 ms. Gaps
/// shorter than 50 ms are bridged.
pub(crate) fn playing(target: &[f32], rate_hz: u32) -> Vec<(f64, f64)> {
    let window = crate::convert::to_index(f64::from(rate_hz) * 0.02).max(1);
    let powers: Vec<f32> =
        target.chunks(window).map(|chunk| chunk.iter().map(|x| x * x).sum()).collect();
    let threshold = powers.iter().fold(0.0_f32, |top, &power| top.max(power)) * 10.0_f32.powf(-3.5);
    let mut spans: Vec<(f64, f64)> = Vec::new();
    for (index, _) in powers.iter().enumerate().filter(|(_, power)| **power > threshold) {
        let (start, end) = (index as f64 * 0.02, (index + 1) as f64 * 0.02);
        match spans.last_mut() {
            Some(last) if start - last.1 < 0.05 => last.1 = end,
            _ => spans.push((start, end)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_playing_are_those_of_the_sound() {
        let mut target = vec![0.0; 8_000];
        target[800..2_400].fill(0.5);
        target[4_000..4_160].fill(0.4);
        let spans = playing(&target, 8_000);
        assert_eq!(spans.len(), 2);
        assert!((spans[0].0 - 0.1).abs() < 1e-9 && (spans[0].1 - 0.3).abs() < 1e-9);
    }
}

//! Cost of transforming one hop of all mics to spectra and back.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it cannot go on")]

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use engine::stft::{Analysis, Geometry, Spectrum, Synthesis};
use test_signals::Noise;

/// Largest error on noise of peak 0.5: measured 2.4e-7 on x86-64.
const TOLERANCE: f32 = 1e-6;

/// Transform and inverse transform, with hops of noise.
struct RoundTrip {
    analysis: Analysis,
    synthesis: Synthesis,
    spectrum: Spectrum,
    /// `[hop number, mic, hop]`
    hops: Vec<Vec<f32>>,
}

impl RoundTrip {
    fn new(num_mics: usize, geometry: Geometry) -> Self {
        let mut noise = Noise::new(1);
        let size = num_mics * geometry.hop_samples();
        Self {
            analysis: Analysis::new(geometry, num_mics),
            synthesis: Synthesis::new(geometry, num_mics),
            spectrum: Spectrum::new(num_mics, geometry.num_bins()),
            hops: (0..12).map(|_| noise.samples(size, 0.5)).collect(),
        }
    }

    fn hop(&mut self, number: usize, out: &mut [f32]) {
        let hop = &self.hops[number % self.hops.len()];
        self.analysis.push_hop(hop, &mut self.spectrum);
        self.synthesis.push_hop(&self.spectrum, out);
    }

    /// Checks that the output equals the input.
    fn check(&mut self, geometry: Geometry) {
        let late = self.synthesis.latency_samples() / geometry.hop_samples();
        let mut out = vec![0.0; self.hops[0].len()];
        for number in 0..self.hops.len() {
            self.hop(number, &mut out);
            if let Some(expected) = number.checked_sub(late) {
                for (y, x) in out.iter().zip(&self.hops[expected]) {
                    assert!((y - x).abs() <= TOLERANCE, "hop {number}: {y} for {x}");
                }
            }
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("stft");
    for num_mics in [1, 8, 16] {
        for (window, hop, overlap) in
            [(1024, 256, 1024), (2048, 512, 1024), (2048, 512, 2048), (4096, 1024, 4096)]
        {
            let geometry = Geometry::new(window, hop, overlap).unwrap();
            let mut round_trip = RoundTrip::new(num_mics, geometry);
            round_trip.check(geometry);
            let mut out = vec![0.0; num_mics * hop];
            let mut name = format!("{num_mics}mic/w{window}/h{hop}");
            if overlap < window {
                name += &format!("/o{overlap}");
            }
            group.throughput(Throughput::Elements((num_mics * hop) as u64));
            group.bench_function(name, |bencher| {
                let mut number = 0;
                bencher.iter(|| {
                    round_trip.hop(number, &mut out);
                    number += 1;
                    black_box(&mut out);
                });
            });
        }
    }
    group.finish();
    criterion.final_summary();
}

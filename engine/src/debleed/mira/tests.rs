//! What MIRA promises.

use super::*;
use crate::debleed::batch::scene::{Scene, SceneConfig, all_shares, largest_difference, tables};

#[test]
fn shares_equal_the_oracles() {
    let configs = [
        MiraConfig::default(),
        MiraConfig { sparsity: 0.0, ..MiraConfig::default() },
        MiraConfig { sparsity: 0.0, smooth_passes: 0, iterations: 20, ..MiraConfig::default() },
    ];
    let mut worst = 0.0_f32;
    for (seed, close) in (1..).zip(tables()) {
        let scene = Scene::new(&SceneConfig { num_bins: 70, ..SceneConfig::new(seed, close) });
        for config in &configs {
            let fast = mira(scene.chunk(), &scene.close, config).unwrap();
            let slow = oracle::mira(scene.chunk(), &scene.close, config);
            let d = largest_difference(&all_shares(&fast), &slow);
            println!("{:?} {d}", config);
            let config = FastMiraConfig { mira: *config, num_columns: 48, seed: 3 };
            let fast = fast_mira(scene.chunk(), &scene.close, &config).unwrap();
            let slow = oracle::fast_mira(scene.chunk(), &scene.close, &config);
            let e = largest_difference(&all_shares(&fast), &slow);
            println!("fast {e}");
            worst = worst.max(d);
        }
    }
    println!("worst {worst}");
}

#[test]
fn probe() {
    use crate::debleed::batch::scene::*;
    use crate::debleed::kamir::*;
    for xt in [[0.1f32, 0.3], [0.3, 0.6], [0.6, 0.9]] {
        for num in [3usize, 6] {
            let num_hops = 400usize;
            let scene = Scene::new(&SceneConfig {
                crosstalk: xt,
                num_hops,
                num_bins: 64,
                ..SceneConfig::new(num as u64, CloseMics::identity(num))
            });
            let g = |s: &BleedShares| {
                let dry = vec![1.0; num_hops * 64];
                let v: Vec<f32> = (0..num)
                    .map(|m| scene.sdr_db(m, &keep(s, m)) - scene.sdr_db(m, &dry))
                    .collect();
                let b = (0..num).map(|m| scene.bleed_reduction_db(m, &keep(s, m))).sum::<f32>()
                    / num as f32;
                let d = (0..num).map(|m| scene.own_to_damage_db(m, &keep(s, m))).sum::<f32>()
                    / num as f32;
                format!(
                    "mean {:.2} worst {:.2} bleedred {:.1} damage {:.1}",
                    v.iter().sum::<f32>() / num as f32,
                    v.iter().cloned().fold(99.0, f32::min),
                    b,
                    d
                )
            };
            println!("== {num} mics {num_hops} hops {xt:?}");
            for m in [1, 5] {
                for it in [1, 2, 3, 5, 8, 12] {
                    println!(
                        "kamir {it} med {m}: {}",
                        g(&kamir(
                            scene.chunk(),
                            &scene.close,
                            &KamirConfig { iterations: it, median_hops: m, ..Default::default() }
                        )
                        .unwrap())
                    );
                }
            }
            for it in [1, 2, 3, 5, 8, 12] {
                println!(
                    "kamir {it} Lfix: {}",
                    g(&kamir(
                        scene.chunk(),
                        &scene.close,
                        &KamirConfig {
                            iterations: it,
                            crosstalk_iterations: 0,
                            min_crosstalk: 0.0,
                            ..Default::default()
                        }
                    )
                    .unwrap())
                );
            }
        }
    }
}

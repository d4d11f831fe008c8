//! Experiment: train on mixtures and grooves.
use lab::scenes::{grooves::*, mixtures::*};
use lab::soundfont::Instruments;
use lab::train::examples::*;
use lab::train::trainer::*;
use std::path::Path;
use std::sync::Arc;
fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let (num, grooves, steps, width): (u64, u64, usize, usize) =
        (args[1].parse()?, args[2].parse()?, args[3].parse()?, args[4].parse()?);
    let t0 = std::time::Instant::now();
    let font = Instruments::load(Path::new("/usr/share/sounds/sf2/FluidR3_GM.sf2"))?;
    let kit = Kit::read(Path::new("/work/shared/data/drums_muldjord"))?;
    let mut examples = Vec::new();
    let mut validation = Vec::new();
    let mut add =
        |scene: &lab::scenes::Scene, index: u64, out: &mut Vec<Example>| -> anyhow::Result<()> {
            let way = if index % 2 == 0 { Way::Live } else { Way::Learned };
            out.push(Example::record(scene, way, None)?);
            Ok(())
        };
    for seed in 0..num {
        let scene = simulate(
            &font,
            &MixtureConfig { seed: 1000 + seed, duration_s: 10.0, num_mics: None, rate_hz: 44100 },
        )?;
        add(&scene, seed / 7, &mut examples)?;
        if seed % 20 == 0 {
            eprintln!("{seed} {:?}", t0.elapsed());
        }
    }
    for seed in 0..grooves {
        let scene =
            kit.play(&GrooveConfig { seed: 1000 + seed, duration_s: 10.0, mics: vec![] })?;
        add(&scene, seed, &mut examples)?;
    }
    for seed in 0..6 {
        let scene = simulate(
            &font,
            &MixtureConfig { seed: 500 + seed, duration_s: 8.0, num_mics: None, rate_hz: 44100 },
        )?;
        add(&scene, seed / 3, &mut validation)?;
    }
    for seed in 0..2 {
        let scene = kit.play(&GrooveConfig { seed: 500 + seed, duration_s: 8.0, mics: vec![] })?;
        add(&scene, seed, &mut validation)?;
    }
    eprintln!("recorded {:?}", t0.elapsed());
    let options = TrainOptions { steps, hops: 256, clips: 1, learning_rate: 2e-3, seed: 1 };
    let net =
        train(fresh(width, 1), &examples, &validation, &options, |step, recent, valid, net| {
            eprintln!("{step}: {recent:.2} {valid:?} {:?}", t0.elapsed());
            std::fs::write(&args[5], net.to_safetensors()?)?;
            Ok(())
        })?;
    std::fs::write(&args[5], net.to_safetensors()?)?;
    let _ = Arc::new(net);
    Ok(())
}

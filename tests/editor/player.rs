//! A session that plays while its editor is open.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audiofile::SessionFiles;
use host::{AudioConfig, BusBuffer, Class, Format, Gesture, Plugin, ProcessOptions, RenderMode};
use tests::bundle;

const BLOCK: usize = 512;
/// Labels of the demo session's mics.
const LABELS: [&str; 6] = ["Kick", "Snare", "Hi-hat", "Bass", "Guitar", "Woodwind"];
/// Labels of sixteen mics; those beyond the demo session's six play the same files from
/// later positions.
pub(crate) const SIXTEEN: [&str; 16] = [
    "Kick", "Snare", "Hi-hat", "Bass", "Guitar", "Woodwind", "Kick", "Snare", "Tom", "Tom", "Tom",
    "Ride", "Overhead", "Overhead", "Room", "Vocal",
];
/// Offset between the positions of consecutive groups of six mics, in blocks.
const APART_BLOCKS: usize = 140;

/// The plugin with the demo session on its first inputs.
pub(crate) struct Player {
    pub(crate) plugin: Plugin,
    /// One session per group of six mics.
    sessions: Vec<SessionFiles>,
    num_mics: usize,
    inputs: Vec<BusBuffer>,
    outputs: Vec<BusBuffer>,
    pub(crate) gestures: Vec<Gesture>,
}

impl Player {
    pub(crate) fn new(format: Format, class: Class) -> Result<Self> {
        Self::with_mics(format, class, &LABELS.map(Some))
    }

    /// Opens the plugin with one mic per label; a mic without a label keeps the default instrument.
    pub(crate) fn with_mics(format: Format, class: Class, labels: &[Option<&str>]) -> Result<Self> {
        let bundle = bundle(format)?;
        let mut plugin = bundle.instantiate(bundle.class_named(class.name())?)?;
        let demo = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo"));
        let names =
            ["mic1_kick", "mic2_snare", "mic3_hihat", "mic4_bass", "mic5_guitar", "mic6_sax"];
        let files: Vec<_> = names.iter().map(|name| demo.join(format!("{name}.flac"))).collect();
        let mut sessions = Vec::new();
        for group in 0..labels.len().div_ceil(names.len()) {
            let mut session = SessionFiles::open(&files, names.len())?;
            let mut skipped = vec![vec![0.0; BLOCK]; names.len()];
            for _ in 0..group * APART_BLOCKS {
                let mut mics: Vec<_> = skipped.iter_mut().map(Vec::as_mut_slice).collect();
                session.read(&mut mics)?;
            }
            sessions.push(session);
        }
        for (number, label) in (1..).zip(labels) {
            let Some(label) = label else { continue };
            let is_track = class == Class::Track && number == 1;
            let mic = if is_track { "Track".to_owned() } else { format!("Mic {number}") };
            let param = plugin.param(&format!("{mic} Instrument"))?;
            plugin.set_param_text(param.id, label)?;
        }
        let shape = class.shape_for(&vec![1; labels.len().max(1)])?;
        plugin.select_channels(&shape.inputs, &shape.outputs)?;
        let config = AudioConfig {
            rate_hz: sessions.first().map_or(48_000.0, |session| f64::from(session.rate_hz())),
            max_block_samples: BLOCK,
            // In this mode the plugin waits for its worker, so no hop is late on a slow machine.
            mode: RenderMode::Offline,
        };
        plugin.activate(config)?;
        let buffers =
            |buses: &[usize]| buses.iter().map(|&width| BusBuffer::new(width, BLOCK)).collect();
        Ok(Self {
            plugin,
            sessions,
            num_mics: labels.len(),
            inputs: buffers(&shape.inputs),
            outputs: buffers(&shape.outputs),
            gestures: Vec::new(),
        })
    }

    /// Plays for `seconds`, in real time if `paced`; starts again at the end of the session.
    pub(crate) fn play(&mut self, seconds: f32, paced: bool) -> Result<()> {
        let rate_hz = self.sessions.first().map_or(48_000, SessionFiles::rate_hz) as f32;
        let (since, mut played_s) = (Instant::now(), 0.0);
        while played_s < seconds {
            let mut buses = self.inputs[..self.num_mics].iter_mut();
            let mut spare = vec![vec![0.0; BLOCK]; LABELS.len()];
            for session in &mut self.sessions {
                let mut mics: Vec<&mut [f32]> =
                    buses.by_ref().take(LABELS.len()).map(|bus| bus.channel_mut(0)).collect();
                let missing = LABELS.len() - mics.len();
                mics.extend(spare[..missing].iter_mut().map(Vec::as_mut_slice));
                if session.read(&mut mics)? < BLOCK {
                    session.rewind()?;
                }
            }
            let options = ProcessOptions::default();
            self.plugin.process(&mut self.inputs, &mut self.outputs, BLOCK, options)?;
            self.plugin.idle();
            self.gestures.extend(self.plugin.take_gestures());
            played_s += BLOCK as f32 / rate_hz;
            let ahead = played_s - since.elapsed().as_secs_f32();
            if paced && ahead > 0.0 {
                std::thread::sleep(Duration::from_secs_f32(ahead));
            }
        }
        Ok(())
    }

    /// Returns the values that the editor has set for a parameter; fails if one is outside
    /// a gesture.
    pub(crate) fn edits_of(&mut self, name: &str) -> Result<Vec<f64>> {
        self.play(0.3, true)?;
        let id = self.plugin.param(name)?.id;
        let mut held = false;
        let mut values = Vec::new();
        for gesture in std::mem::take(&mut self.gestures) {
            match gesture {
                Gesture::Begin(of) if of == id => {
                    ensure!(!held, "{name} is held twice");
                    held = true;
                }
                Gesture::Value(of, value) if of == id => {
                    ensure!(held, "{name} moves without being held");
                    values.push(value);
                }
                Gesture::End(of) if of == id => {
                    ensure!(held, "{name} is let go of twice");
                    held = false;
                }
                other => anyhow::bail!("the editor touched another parameter: {other:?}"),
            }
        }
        ensure!(!held, "{name} is never let go of");
        let now = self.plugin.param_value(id)?;
        let last = *values.last().with_context(|| format!("the editor left {name} alone"))?;
        ensure!((now - last).abs() < 1e-6, "{name} is {now}, not {last}");
        Ok(values)
    }
}

//! Reads scenes: any folder of `mic{1..N}` and `target{1..N}`, from this project or elsewhere.

use super::{Scene, SceneInfo};
use crate::sound_file::read_mono;
use anyhow::{Context, Result, ensure};
use engine::MAX_MICS;
use std::path::{Path, PathBuf};

/// Returns the scenes in a folder in the order of their numbers, `m2` before `m10`.
///
/// # Errors
///
/// Returns an error if the folder cannot be read or contains no scene.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("could not read {}", folder.display()))?;
    let mut scenes = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    scenes.retain(|path| find(path, "mic", 1).is_some());
    scenes.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit()).to_owned();
        (name[..name.len() - digits.len()].to_owned(), digits.parse::<u64>().ok(), name)
    });
    ensure!(!scenes.is_empty(), "no <scene>/mic1.wav in {}", folder.display());
    Ok(scenes)
}

/// Reads one scene. Without a `scene.json` no mics are grouped.
///
/// # Errors
///
/// Returns an error if a file is missing or damaged, if rates or lengths differ, if there are
/// fewer than two mics or more than the engine supports, or if `scene.json` refers to mics that do
/// not exist.
pub fn read(folder: &Path) -> Result<Scene> {
    let mut mics = Vec::new();
    let mut targets = Vec::new();
    let mut shape = None;
    for number in 1.. {
        let Some(mic_path) = find(folder, "mic", number) else { break };
        let target_path = find(folder, "target", number)
            .with_context(|| format!("{} has no target{number}", folder.display()))?;
        for (path, signals) in [(mic_path, &mut mics), (target_path, &mut targets)] {
            let (samples, rate_hz) = read_mono(&path)?;
            let found = (rate_hz, samples.len());
            ensure!(
                *shape.get_or_insert(found) == found,
                "{} differs from mic1 in sample rate or length",
                path.display()
            );
            signals.push(samples);
        }
    }
    ensure!(
        (2..=MAX_MICS).contains(&mics.len()),
        "{}: a scene has 2 to {MAX_MICS} mics, found {}",
        folder.display(),
        mics.len()
    );
    let info = read_info(folder)?;
    let grouped = info.groups.iter().flatten().map(|mic| ("groups", mic));
    let room = info.room_mics.iter().map(|mic| ("room_mics", mic));
    let silent = info.silent_mics.iter().map(|mic| ("silent_mics", mic));
    for (what, position) in grouped.chain(room).chain(silent) {
        ensure!(
            (1..=mics.len()).contains(position),
            "{}: {what} in scene.json contains mic {position}, but there are {} mics",
            folder.display(),
            mics.len()
        );
    }
    let rate_hz = shape.map_or(0, |(rate_hz, _)| rate_hz);
    Ok(Scene { info, rate_hz, mics, targets })
}

fn find(folder: &Path, kind: &str, number: usize) -> Option<PathBuf> {
    audiofile::EXTENSIONS
        .iter()
        .map(|extension| folder.join(format!("{kind}{number}.{extension}")))
        .find(|path| path.is_file())
}

fn read_info(folder: &Path) -> Result<SceneInfo> {
    let path = folder.join("scene.json");
    if !path.exists() {
        return Ok(SceneInfo::default());
    }
    let context = || format!("could not read {}", path.display());
    let text = std::fs::read_to_string(&path).with_context(context)?;
    serde_json::from_str(&text).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound_file::write_wav;

    fn scene() -> Scene {
        let info = SceneInfo { groups: vec![vec![1, 2]], ..SceneInfo::default() };
        let signals = |level: f32| vec![vec![level; 50], vec![-level; 50]];
        Scene { info, rate_hz: 16_000, mics: signals(0.5), targets: signals(0.25) }
    }

    #[test]
    fn a_written_scene_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("s1");
        scene().write(&at).unwrap();
        assert_eq!(read(&at).unwrap(), scene());
        std::fs::remove_file(at.join("scene.json")).unwrap();
        assert!(read(&at).unwrap().info.groups.is_empty());
    }

    #[test]
    fn scenes_are_taken_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["m10", "m2", "m1"] {
            scene().write(&folder.path().join(name)).unwrap();
        }
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let names: Vec<_> = list(folder.path()).unwrap();
        let names: Vec<_> = names.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["m1", "m2", "m10"]);
    }

    #[test]
    fn scenes_that_do_not_fit_together_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("s1");
        scene().write(&at).unwrap();
        let line = || format!("{:#}", read(&at).unwrap_err());
        std::fs::write(at.join("scene.json"), "{\"groups\": [[1, 3]]}").unwrap();
        assert!(line().contains("groups in scene.json contains mic 3"));
        std::fs::write(at.join("scene.json"), "{\"groups\": [[1, 0]]}").unwrap();
        assert!(line().contains("groups in scene.json contains mic 0"));
        std::fs::write(at.join("scene.json"), "{\"room_mics\": [3]}").unwrap();
        assert!(line().contains("room_mics in scene.json contains mic 3"));
        std::fs::write(at.join("scene.json"), "{\"silent_mics\": [9]}").unwrap();
        assert!(line().contains("silent_mics in scene.json contains mic 9"));
        std::fs::write(at.join("scene.json"), "groups").unwrap();
        assert!(line().contains("scene.json"));
        write_wav(&at.join("mic2.wav"), &[0.0; 100], 16_000).unwrap();
        assert!(line().contains("mic2.wav differs"));
        std::fs::remove_file(at.join("target2.wav")).unwrap();
        assert!(line().contains("no target2"));
        std::fs::remove_file(at.join("mic2.wav")).unwrap();
        assert!(line().contains("2 to 32 mics, found 1"));
        std::fs::remove_dir_all(&at).unwrap();
        let line = format!("{:#}", list(folder.path()).unwrap_err());
        assert!(line.contains("no <scene>/mic1.wav"));
    }
}

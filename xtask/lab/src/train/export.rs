//! `cargo xtask export`: writes the weights of a training as a model's folder, which is never
//! replaced.

use super::card::Card;
use super::checkpoint::LogEntry;
use super::config::TrainConfig;
use super::course::BEST_FILE;
use super::settings::{self, BURN_VERSION, CONFIGURATION_FILE, SETTINGS_FILE, Settings};
use super::weights::{blend, weights_of, weights_of_model};
use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use engine::network::Network;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Options of `cargo xtask export`.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportOptions {
    /// Folder of a training, whose best weights are used, or file of weights
    #[arg(long, value_name = "FILE|DIR")]
    pub checkpoint: PathBuf,
    /// Name of the model: lower case letters, digits and hyphens
    #[arg(long)]
    pub id: String,
    /// Version; major: other inputs or shapes, minor: other sound, patch: same sound
    #[arg(long, value_name = "X.Y.Z")]
    pub version: String,
    /// Folder of all models
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub out: PathBuf,
    /// Configuration of the training, if there is no training.json beside the weights
    #[arg(long, value_name = "CONFIG.toml|NAME")]
    pub config: Option<String>,
    /// Move the weights by --share towards those of this model
    #[arg(long, value_name = "ID|DIR", requires = "share")]
    pub towards: Option<String>,
    /// Share of the way to the other model, 0 to 1
    #[arg(long, requires = "towards", value_parser = share)]
    pub share: Option<f64>,
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err("expected a number from 0 to 1".to_owned())
    }
}

/// Writes `<id>-<version>/` with the weights, `card.toml`, `DATA.md` and the configuration of the
/// training with its recipes, and returns its path.
///
/// # Source
///
/// Weights between those before and after a further training: M. Wortsman et al., "Robust
/// fine-tuning of zero-shot models", CVPR 2022.
///
/// # Errors
///
/// Returns an error if the weights do not fit the sizes of their training, the name or version is
/// invalid, the folder exists already, or it cannot be written.
pub fn export(options: &ExportOptions) -> Result<PathBuf> {
    let ExportOptions { checkpoint, id, version, out, config, towards, share } = options;
    check_name(id, version)?;
    let (file, beside) = if checkpoint.is_dir() {
        (checkpoint.join(BEST_FILE), checkpoint.as_path())
    } else {
        (checkpoint.clone(), checkpoint.parent().unwrap_or(Path::new("")))
    };
    let made_by = match config {
        Some(config) => {
            let config = TrainConfig::open(config)?;
            let (ready, _) = config.recipes()?;
            Settings::of(&config, &ready)?
        }
        None => settings::read(&beside.join(SETTINGS_FILE))
            .context("the training of the weights is unknown; add --config")?,
    };
    let size = made_by.size();
    let mut bytes =
        std::fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
    let network = Network::from_safetensors(&size, bytes.clone(), &Device::flex())
        .with_context(|| format!("{} of width {}", file.display(), size.width))?;
    let mut command = made_by.command.clone();
    if let (Some(towards), Some(share)) = (towards, share) {
        let others = weights_of_model(towards, &size, made_by.seed)
            .with_context(|| format!("--towards {towards}"))?;
        bytes = weights_of(&network)?;
        blend(&mut bytes, &others, *share)?;
        write!(command, ", then cargo xtask export --towards {towards} --share {share}")?;
    }
    let sha256 = format!("{:x}", Hex(&Sha256::digest(&bytes)));
    let name = format!("{id}-{version}");
    let weights = format!("{name}-{}.safetensors", &sha256[..8]);
    let card = Card {
        id,
        version,
        weights: &weights,
        sha256: &sha256,
        size,
        commit: &made_by.commit,
        command: &command,
        seed: made_by.seed,
        burn: BURN_VERSION,
        configuration: made_by.files.contains_key(CONFIGURATION_FILE).then_some(CONFIGURATION_FILE),
        // The log does not describe moved weights.
        validation_db: best_db(&beside.join("log.json")).filter(|_| towards.is_none()),
    };
    let folder = out.join(&name);
    ensure!(!folder.exists(), "{} already exists; models are never edited", folder.display());
    let context = || format!("could not write {}", folder.display());
    std::fs::create_dir_all(out).with_context(context)?;
    // A folder beside it, which a rename turns into the model's folder as a whole.
    let partial =
        tempfile::Builder::new().prefix(".export").tempdir_in(out).with_context(context)?;
    let data = data_sheet(&name, &made_by.credits);
    let card = card.text();
    let made_by = made_by.files.iter().filter(|(name, _)| settings::is_inside(name));
    let made_by = made_by.map(|(name, text)| (name.as_str(), text.as_bytes()));
    // The model's own files come last and replace a recipe of the same name.
    let own = [
        (weights.as_str(), bytes.as_slice()),
        ("card.toml", card.as_bytes()),
        ("DATA.md", data.as_bytes()),
    ];
    for (name, bytes) in made_by.chain(own) {
        write(&partial.path().join(name), bytes).with_context(context)?;
    }
    make_readable(partial.path()).with_context(context)?;
    std::fs::rename(partial.path(), &folder).with_context(context)?;
    Ok(folder)
}

/// Writes a file, and makes the folders above it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, bytes)
}

/// Makes the folder readable for everybody: temporary folders are their owner's alone.
fn make_readable(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    }
    let _ = folder;
    Ok(())
}

fn check_name(id: &str, version: &str) -> Result<()> {
    let is_id = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    ensure!(is_id, "--id {id}: use lower case letters, digits and hyphens; begin with a letter");
    let numbers: Vec<&str> = version.split('.').collect();
    let is_number =
        |part: &&str| part.parse::<u32>().is_ok_and(|number| number.to_string() == **part);
    let is_version = numbers.len() == 3 && numbers.iter().all(is_number);
    ensure!(is_version, "--version {version}: use the form 1.2.3");
    Ok(())
}

/// Returns the best validation of the last round in dB, if the training left a log.
fn best_db(log: &Path) -> Option<f64> {
    let log: Vec<LogEntry> = serde_json::from_slice(&std::fs::read(log).ok()?).ok()?;
    let last = log.last()?.round;
    let of_last = log.iter().filter(|entry| entry.round == last);
    of_last.filter_map(|entry| entry.validation_db).reduce(f64::max)
}

fn data_sheet(name: &str, credits: &[String]) -> String {
    let mut text =
        format!("# What {name} learned from\n\nScenes simulated by this project from:\n\n");
    for line in credits {
        text.push_str("- ");
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(
        "\nSpeech-like and percussive sounds that the project makes itself need no licence.\n",
    );
    text
}

/// Bytes in hexadecimal.
struct Hex<'a>(&'a [u8]);

impl std::fmt::LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::claim;
    use super::super::weights::initial_weights;
    use super::*;
    use crate::train::config::SizeConfig;

    const CONFIGURATION: &str =
        "seed = 5\n[[recipe]]\nrecipe = 'ensembles'\ncredits = ['thanks']\n[network]\nwidth = 8\n";

    /// Creates a training of width 8 that has just begun.
    fn training() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let config = TrainConfig::parse("my.toml", CONFIGURATION).unwrap();
        let (ready, _) = config.recipes().unwrap();
        let settings = Settings::of(&config, &ready).unwrap();
        drop(claim(folder.path(), &settings).unwrap());
        let weights = initial_weights(&settings.size(), 5).unwrap();
        std::fs::write(folder.path().join(BEST_FILE), weights).unwrap();
        folder
    }

    fn options(training: &Path) -> ExportOptions {
        ExportOptions {
            checkpoint: training.to_owned(),
            id: "tiny-a".to_owned(),
            version: "1.0.2".to_owned(),
            out: training.join("models"),
            config: None,
            towards: None,
            share: None,
        }
    }

    #[test]
    fn weights_move_towards_those_of_another_model() {
        let training = training();
        let first = export(&options(training.path())).unwrap();
        let size = SizeConfig { width: 8, ..SizeConfig::default() }.network();
        let [before, after] = [5, 6].map(|seed| initial_weights(&size, seed).unwrap());
        std::fs::write(training.path().join(BEST_FILE), &after).unwrap();
        let options = ExportOptions {
            version: "1.1.0".to_owned(),
            towards: Some(first.to_string_lossy().into_owned()),
            share: Some(0.25),
            ..options(training.path())
        };
        let folder = export(&options).unwrap();
        let text = std::fs::read_to_string(folder.join("card.toml")).unwrap();
        let card: toml::Table = toml::from_str(&text).unwrap();
        let found = std::fs::read(folder.join(card["weights"].as_str().unwrap())).unwrap();
        let mut expected = after;
        blend(&mut expected, &before, 0.25).unwrap();
        assert!(found == expected && found != before);
        let command = card["trained_by"]["command"].as_str().unwrap();
        assert!(command.ends_with("tiny-a-1.0.2 --share 0.25"), "{command}");
        let nobody = ExportOptions {
            version: "1.2.0".to_owned(),
            towards: Some("nobody-7".to_owned()),
            ..options
        };
        let line = format!("{:#}", export(&nobody).unwrap_err());
        assert!(line.contains("--towards nobody-7"), "{line}");
        assert!(super::share("1.5").is_err() && super::share("x").is_err());
        assert_eq!(super::share("0.25"), Ok(0.25));
    }

    #[test]
    fn a_training_becomes_a_model_that_says_what_it_is() {
        let training = training();
        let folder = export(&options(training.path())).unwrap();
        assert_eq!(folder, training.path().join("models/tiny-a-1.0.2"));
        let text = std::fs::read_to_string(folder.join("card.toml")).unwrap();
        let card: toml::Table = toml::from_str(&text).unwrap();
        let weights = std::fs::read(folder.join(card["weights"].as_str().unwrap())).unwrap();
        assert!(weights == std::fs::read(training.path().join(BEST_FILE)).unwrap());
        let sha256 = format!("{:x}", Hex(&Sha256::digest(&weights)));
        assert_eq!(card["sha256"].as_str().unwrap(), sha256);
        assert_eq!(
            card["weights"].as_str().unwrap(),
            format!("tiny-a-1.0.2-{}.safetensors", &sha256[..8])
        );
        let sizes_found = card["sizes"].as_table().unwrap();
        let sizes = ["bands", "features", "width", "exchange_width"];
        assert_eq!(sizes.map(|size| sizes_found[size].as_integer().unwrap()), [80, 17, 8, 4]);
        assert_eq!(card["trained_by"]["command"].as_str(), Some("cargo xtask train my.toml"));
        assert_eq!(card["trained_by"]["seed"].as_integer(), Some(5));
        assert_eq!(card["hop_samples"].as_integer(), Some(512));
        let data = std::fs::read_to_string(folder.join("DATA.md")).unwrap();
        assert!(data.contains("- thanks\n") && data.contains("FluidR3"), "{data}");
        // The card names the configuration that repeats the training.
        assert_eq!(card["trained_by"]["configuration"].as_str(), Some("training.toml"));
        let configuration = folder.join("training.toml");
        assert_eq!(std::fs::read_to_string(&configuration).unwrap(), CONFIGURATION);
        let again = TrainConfig::open(configuration.to_str().unwrap()).unwrap();
        assert_eq!((again.seed, again.network.width), (5, 8));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
        assert_eq!(std::fs::read_dir(training.path().join("models")).unwrap().count(), 1);
    }

    #[test]
    fn recipes_beside_the_configuration_are_exported_with_it() {
        let training = training();
        let at = |name: &str| training.path().join(name);
        std::fs::create_dir(at("recipes")).unwrap();
        let recipe = "rate_hz = 44100\n[[scene]]\nensembles = ['drum-kit']\nmics = 3\n";
        for name in ["recipes/short.toml", "beside.toml"] {
            std::fs::write(at(name), recipe).unwrap();
        }
        let text = "[[recipe]]\nrecipe = 'recipes/short.toml'\n[[recipe]]\nrecipe = 'beside.toml'\n\
                    [[recipe]]\nrecipe = 'recipes/../beside.toml'\n[network]\nwidth = 8\n";
        std::fs::write(at("my.toml"), text).unwrap();
        let config = Some(at("my.toml").to_string_lossy().into_owned());
        let folder = export(&ExportOptions { config, ..options(training.path()) }).unwrap();
        for name in ["recipes/short.toml", "beside.toml"] {
            assert_eq!(std::fs::read_to_string(folder.join(name)).unwrap(), recipe);
        }
        assert_eq!(std::fs::read_to_string(folder.join("training.toml")).unwrap(), text);
    }

    #[test]
    fn a_training_from_before_configurations_were_kept_is_exported_without_one() {
        let training = training();
        let file = training.path().join(SETTINGS_FILE);
        let mut settings: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        settings.as_object_mut().unwrap().remove("files").unwrap();
        std::fs::write(&file, settings.to_string()).unwrap();
        let folder = export(&options(training.path())).unwrap();
        let card = std::fs::read_to_string(folder.join("card.toml")).unwrap();
        assert!(!card.contains("configuration"), "{card}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    }

    #[test]
    fn released_models_and_wrong_weights_and_names_are_refused() {
        let training = training();
        let line = |options: &ExportOptions| format!("{:#}", export(options).unwrap_err());
        let good = options(training.path());
        export(&good).unwrap();
        assert!(line(&good).contains("already exists"), "{}", line(&good));
        for id in ["Tiny", "", "a b", "../a", "1a"] {
            let wrong = ExportOptions { id: id.to_owned(), ..good.clone() };
            assert!(line(&wrong).contains("--id"), "{}", line(&wrong));
        }
        for version in ["1.0", "1.0.x", "01.0.0", "1.0.0.0"] {
            let wrong = ExportOptions { version: version.to_owned(), ..good.clone() };
            assert!(line(&wrong).contains("--version"), "{}", line(&wrong));
        }
        let wider =
            initial_weights(&SizeConfig { width: 16, ..SizeConfig::default() }.network(), 5);
        std::fs::write(training.path().join(BEST_FILE), wider.unwrap()).unwrap();
        let next = ExportOptions { version: "1.0.3".to_owned(), ..good.clone() };
        assert!(line(&next).contains("width 8"), "{}", line(&next));
        std::fs::remove_file(training.path().join(SETTINGS_FILE)).unwrap();
        assert!(line(&next).contains("--config"), "{}", line(&next));
        assert_eq!(std::fs::read_dir(training.path().join("models")).unwrap().count(), 1);
    }
}

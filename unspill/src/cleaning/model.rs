//! Selection of the network model: a released one or one in a folder.

use anyhow::{Context, Result, bail, ensure};
use engine::network::Model;
use std::borrow::Cow;
use std::path::Path;

/// File name of the card in a model's folder.
const CARD: &str = "card.toml";

/// Returns true if this program contains a released model.
#[must_use]
pub fn any_released() -> bool {
    models::released().is_some()
}

/// Finds a model by name: a folder with a card, the newest released model of an id, or a released
/// model by id and version, as in `band-a-0.7.0`. Without a name, returns the newest released
/// model, or `None` if there is none.
///
/// # Errors
///
/// Returns an error if no model has that name, or if the model in the folder, weights included,
/// does not fit this version.
pub fn find(name: Option<&str>) -> Result<Option<Model>> {
    let Some(name) = name else {
        return Ok(models::released().map(|release| release.model.clone()));
    };
    let folder = Path::new(name);
    if folder.is_dir() {
        return read(folder).map(Some).with_context(|| format!("--model {name}"));
    }
    let of_name =
        |release: &&models::Release| name == release.card.id || name == release.card.folder();
    if let Some(release) = models::all().iter().find(of_name) {
        return Ok(Some(release.model.clone()));
    }
    let folders: Vec<String> = models::all().iter().map(|release| release.card.folder()).collect();
    ensure!(
        !folders.is_empty(),
        "--model {name}: no such folder, and there are no released models"
    );
    bail!("--model {name}: no such model or folder; released models: {}", folders.join(", "))
}

/// Reads the model in a folder and checks all of it.
fn read(folder: &Path) -> Result<Model> {
    let path = folder.join(CARD);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("could not read {}", path.display()))?;
    let card = models::Card::parse(&text).with_context(|| path.display().to_string())?;
    let weights = Path::new(&card.weights);
    ensure!(
        weights.file_name() == Some(weights.as_os_str()),
        "{}: weights = {:?} must be the name of a file beside the card",
        path.display(),
        card.weights
    );
    let path = folder.join(weights);
    let bytes =
        std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    let model = card.model(Cow::Owned(bytes)).with_context(|| path.display().to_string())?;
    // A session would run without a network that does not fit; a command reports the error.
    model.network().with_context(|| path.display().to_string())?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a folder with a copy of the released model.
    fn copy() -> tempfile::TempDir {
        let card = &models::released().unwrap().card;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(card.folder());
        let folder = tempfile::tempdir().unwrap();
        for file in [CARD, &card.weights] {
            std::fs::copy(source.join(file), folder.path().join(file)).unwrap();
        }
        folder
    }

    fn line(name: &str) -> String {
        let line = format!("{:#}", find(Some(name)).unwrap_err());
        assert!(!line.contains('\n'), "{line}");
        line
    }

    #[test]
    fn models_are_found_by_id_and_in_folders() {
        let card = &models::released().unwrap().card;
        for name in [None, Some(card.id.as_str()), Some(&card.folder())] {
            let found = find(name).unwrap().unwrap();
            assert_eq!((found.id(), found.version()), (card.id.as_str(), card.version.as_str()));
        }
        for release in models::all() {
            let found = find(Some(&release.card.folder())).unwrap().unwrap();
            assert_eq!(found.version(), release.card.version);
        }
        let folder = copy();
        let found = find(folder.path().to_str()).unwrap().unwrap();
        assert_eq!(found.version(), card.version);
        assert!(line("nobody-7").contains(&card.folder()));
    }

    #[test]
    fn a_folder_whose_model_does_not_fit_is_refused_with_the_name_of_the_file() {
        let folder = copy();
        let name = folder.path().to_str().unwrap();
        let card = folder.path().join(CARD);
        let good = std::fs::read_to_string(&card).unwrap();
        let width = format!("width = {}", models::released().unwrap().card.sizes.width);
        for (from, to, part) in [
            ("format = 1", "format = 99", "format 99"),
            ("sha256 = \"", "sha256 = \"0", "the card has 0"),
            ("weights = \"", "weights = \"../", "beside the card"),
            ("weights = \"", "weights = \"no-", "could not read"),
            (width.as_str(), "width = 96", "has the shape"),
        ] {
            let changed = good.replacen(from, to, 1);
            assert_ne!(changed, good, "{from}");
            std::fs::write(&card, changed).unwrap();
            let line = line(name);
            assert!(line.contains(part) && line.contains(name), "{line}");
        }
        std::fs::remove_file(&card).unwrap();
        assert!(line(name).contains(CARD));
    }
}

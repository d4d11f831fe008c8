//! Which network is used: a released one, or one in a folder.

use anyhow::{Context, Result, bail, ensure};
use engine::network::Model;
use std::borrow::Cow;
use std::path::Path;

/// The card in a model's folder.
const CARD: &str = "card.toml";

/// Whether this program has a model of its own.
#[must_use]
pub fn any_released() -> bool {
    models::released().is_some()
}

/// The model of this name: a folder with a card, the newest released one by its id, or any by id and version, as in `band-a-0.2.0`;
/// without a name the newest, if there is any.
///
/// # Errors
///
/// When there is none of that name, or the folder's does not fit this version, weights included.
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
        "--model {name}: no folder of that name, and no model is released"
    );
    bail!("--model {name}: no folder of that name; the released models are {}", folders.join(", "))
}

/// The model in a folder, looked at in every point.
fn read(folder: &Path) -> Result<Model> {
    let path = folder.join(CARD);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("could not read {}", path.display()))?;
    let card = models::Card::parse(&text).with_context(|| path.display().to_string())?;
    let weights = Path::new(&card.weights);
    ensure!(
        weights.file_name() == Some(weights.as_os_str()),
        "{}: weights = {:?} is not the name of a file beside the card",
        path.display(),
        card.weights
    );
    let path = folder.join(weights);
    let bytes =
        std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    let model = card.model(Cow::Owned(bytes)).with_context(|| path.display().to_string())?;
    // Sessions would go on without a network that does not fit; a command says so.
    model.network().with_context(|| path.display().to_string())?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a copy of the released model.
    fn copy() -> tempfile::TempDir {
        let card = &models::released().unwrap().card;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(card.folder());
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
            ("sha256 = \"", "sha256 = \"0", "the card says 0"),
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

//! Finds the library in a plugin bundle, loads it, and creates instances of its classes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::calls::Target;
use crate::clap_format::ClapModule;
use crate::model::{ClassInfo, Format};
use crate::plugin::Plugin;
use crate::vst3_format::Vst3Module;

/// A loaded plugin bundle. Instances keep it loaded; it is unloaded with the last of them.
pub struct Bundle {
    path: PathBuf,
    module: Module,
    classes: Vec<ClassInfo>,
}

enum Module {
    Clap(ClapModule),
    Vst3(Vst3Module),
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle")
            .field("path", &self.path)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

impl Bundle {
    /// Loads a `.clap` or `.vst3` bundle; the extension determines the format.
    ///
    /// # Errors
    ///
    /// If there is no such bundle, it cannot be loaded, or it has no valid entry point.
    pub fn load(path: &Path) -> Result<Self> {
        let context = || format!("cannot load the plugin {}", path.display());
        let (format, library) = library_in(path).with_context(context)?;
        // A name without a folder would be searched for in the system's library folders.
        let library = std::path::absolute(library).with_context(context)?;
        let (module, classes) = match format {
            Format::Clap => {
                let module = ClapModule::load(&library, path).with_context(context)?;
                let classes = module.classes().with_context(context)?;
                (Module::Clap(module), classes)
            }
            Format::Vst3 => {
                let module = Vst3Module::load(&library).with_context(context)?;
                let classes = module.classes().with_context(context)?;
                (Module::Vst3(module), classes)
            }
        };
        Ok(Self { path: path.to_owned(), module, classes })
    }

    /// Returns the path of the bundle.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the plugin format.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.module {
            Module::Clap(_) => Format::Clap,
            Module::Vst3(_) => Format::Vst3,
        }
    }

    /// Returns the audio effects in the bundle, in its order.
    #[must_use]
    pub fn classes(&self) -> &[ClassInfo] {
        &self.classes
    }

    /// Returns the class with this name.
    ///
    /// # Errors
    ///
    /// If there is none; the message lists the existing names.
    pub fn class_named(&self, name: &str) -> Result<&ClassInfo> {
        self.classes.iter().find(|class| class.name == name).with_context(|| {
            let names: Vec<&str> = self.classes.iter().map(|class| class.name.as_str()).collect();
            format!("{}: no class {name:?}; available: {}", self.path.display(), names.join(", "))
        })
    }

    /// Creates an instance of a class and initialises it.
    ///
    /// # Errors
    ///
    /// If the plugin refuses, or lacks a required interface.
    pub fn instantiate(&self, class: &ClassInfo) -> Result<Plugin> {
        let context = || format!("cannot create an instance of {} ({})", class.name, self.format());
        Ok(match &self.module {
            Module::Clap(module) => {
                Plugin::new(Box::new(module.instantiate(class).with_context(context)?))
            }
            Module::Vst3(module) => {
                Plugin::new(Box::new(module.instantiate(class).with_context(context)?))
            }
        })
    }
}

impl Bundle {
    /// Creates an instance of a class for calls in random order.
    pub(crate) fn odd(&self, class: &ClassInfo, window: Option<u32>) -> Result<Box<dyn Target>> {
        let context = || format!("cannot create an instance of {} ({})", class.name, self.format());
        Ok(match &self.module {
            Module::Clap(module) => Box::new(module.odd(class, window).with_context(context)?),
            Module::Vst3(module) => Box::new(module.odd(class, window).with_context(context)?),
        })
    }
}

/// Returns the format and the shared library of a bundle on this system.
fn library_in(path: &Path) -> Result<(Format, PathBuf)> {
    let format = match path.extension().and_then(OsStr::to_str) {
        Some("clap") => Format::Clap,
        Some("vst3") => Format::Vst3,
        _ => bail!("the name must end in .clap or .vst3"),
    };
    if !path.exists() {
        bail!("no such file; run `cargo xtask bundle`");
    }
    if path.is_file() {
        return Ok((format, path.to_owned()));
    }
    let stem = path.file_stem().unwrap_or_default();
    let contents = path.join("Contents");
    let library = if cfg!(target_os = "macos") {
        contents.join("MacOS").join(stem)
    } else if cfg!(target_os = "windows") {
        let folder = format!("{}-win", windows_architecture());
        contents.join(folder).join(stem).with_extension("vst3")
    } else {
        let folder = format!("{}-linux", std::env::consts::ARCH);
        contents.join(folder).join(stem).with_extension("so")
    };
    if !library.is_file() {
        bail!("no library for this system ({} is missing)", library.display());
    }
    Ok((format, library))
}

fn windows_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &Path) -> String {
        format!("{:#}", Bundle::load(path).unwrap_err())
    }

    #[test]
    fn what_is_not_a_bundle_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let message_of = |name: &str| message(&folder.path().join(name));
        assert!(message_of("x.so").ends_with("must end in .clap or .vst3"));
        assert!(message_of("x.clap").contains("x.clap: no such file"));
        std::fs::write(folder.path().join("y.clap"), "not a library").unwrap();
        assert!(message_of("y.clap").starts_with("cannot load the plugin"));
        std::fs::create_dir_all(folder.path().join("z.vst3/Contents")).unwrap();
        assert!(message_of("z.vst3").contains("no library for this system"));
    }
}

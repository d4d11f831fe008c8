//! Makes plugin bundles from the plugin's library in the layout of each system.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The target system of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Linux,
    MacOs,
    Windows,
}

impl System {
    /// Returns the system that this program runs on.
    pub(crate) fn this() -> Result<Self> {
        match std::env::consts::OS {
            "linux" => Ok(Self::Linux),
            "macos" => Ok(Self::MacOs),
            "windows" => Ok(Self::Windows),
            other => bail!("plugin bundles are not supported on {other}"),
        }
    }
}

/// The plugin to bundle.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    /// Display name.
    pub(crate) name: &'a str,
    /// Version, only digits and dots.
    pub(crate) version: &'a str,
    /// The plugin's library, which contains both formats.
    pub(crate) library: &'a Path,
}

impl Product<'_> {
    /// Makes `folder/<name>.vst3` and `folder/<name>.clap` and returns both.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub(crate) fn bundle(
        &self,
        system: System,
        architecture: &str,
        folder: &Path,
    ) -> Result<Vec<PathBuf>> {
        ["vst3", "clap"]
            .into_iter()
            .map(|format| {
                let bundle = folder.join(format!("{}.{format}", self.name));
                for (path, content) in self.files(system, architecture, format) {
                    let path = path.map_or_else(|| bundle.clone(), |path| bundle.join(path));
                    content
                        .write_to(&path)
                        .with_context(|| format!("cannot write {}", path.display()))?;
                }
                Ok(bundle)
            })
            .collect()
    }

    /// Returns the files of one bundle; the path `None` is the bundle itself if it is a
    /// single file.
    fn files(
        &self,
        system: System,
        architecture: &str,
        format: &str,
    ) -> Vec<(Option<PathBuf>, Content<'_>)> {
        let library = Content::Copy(self.library);
        let inside = |path: String| Some(PathBuf::from(path));
        let name = self.name;
        match (system, format) {
            (System::Linux, "vst3") => {
                vec![(inside(format!("Contents/{architecture}-linux/{name}.so")), library)]
            }
            (System::Windows, "vst3") => {
                let architecture = if architecture == "aarch64" { "arm64" } else { architecture };
                vec![(inside(format!("Contents/{architecture}-win/{name}.vst3")), library)]
            }
            (System::MacOs, _) => vec![
                (inside(format!("Contents/MacOS/{name}")), library),
                (inside("Contents/PkgInfo".to_owned()), Content::Text("BNDL????".to_owned())),
                (inside("Contents/Info.plist".to_owned()), Content::Text(self.plist(format))),
            ],
            (System::Linux | System::Windows, _) => vec![(None, library)],
        }
    }

    fn plist(&self, format: &str) -> String {
        let Self { name, version, .. } = self;
        let keys = [
            ("CFBundleDevelopmentRegion", "English"),
            ("CFBundleExecutable", name),
            ("CFBundleIdentifier", &format!("audio.unspill.{format}")),
            ("CFBundleInfoDictionaryVersion", "6.0"),
            ("CFBundleName", name),
            ("CFBundlePackageType", "BNDL"),
            ("CFBundleShortVersionString", version),
            ("CFBundleSignature", "????"),
            ("CFBundleVersion", version),
        ]
        .map(|(key, value)| format!("  <key>{key}</key>\n  <string>{value}</string>\n"))
        .concat();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\">\n<dict>\n{keys}  <key>NSHighResolutionCapable</key>\n  \
             <true/>\n</dict>\n</plist>\n"
        )
    }
}

enum Content<'a> {
    Copy(&'a Path),
    Text(String),
}

impl Content<'_> {
    /// Replaces the file at `path` as a whole; a host that has loaded the old library keeps it.
    fn write_to(&self, path: &Path) -> Result<()> {
        let new = match self {
            Self::Copy(source) => {
                fs::read(source).with_context(|| format!("cannot read {}", source.display()))?
            }
            Self::Text(text) => text.clone().into_bytes(),
        };
        if path.is_file() && fs::read(path)? == new {
            return Ok(());
        }
        let folder = path.parent().context("the path has no folder")?;
        fs::create_dir_all(folder)?;
        // In the same folder, so that the rename stays in one file system; named after the process,
        // so that two processes do not collide.
        let temporary = folder.join(format!(".{}.part", std::process::id()));
        let written = fs::write(&temporary, new)
            .and_then(|()| match self {
                Self::Copy(source) => {
                    fs::set_permissions(&temporary, fs::metadata(source)?.permissions())
                }
                Self::Text(_) => Ok(()),
            })
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // A failed removal is ignored; the error above is reported.
            let _ = fs::remove_file(&temporary);
        }
        Ok(written?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(current) = folders.pop() {
            for entry in fs::read_dir(current).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let path = path.strip_prefix(folder).unwrap();
                    found.push(path.to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }

    fn bundled_for(system: System, architecture: &str) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("library");
        fs::write(&library, "code").unwrap();
        let product = Product { name: "Unspill", version: "1.2.3", library: &library };
        let out = folder.path().join("out");
        for _ in 0..2 {
            product.bundle(system, architecture, &out).unwrap();
        }
        let files = all_files(&out);
        (folder, files)
    }

    #[test]
    fn each_system_gets_its_own_layout() {
        assert_eq!(
            bundled_for(System::Linux, "x86_64").1,
            ["Unspill.clap", "Unspill.vst3/Contents/x86_64-linux/Unspill.so"]
        );
        assert_eq!(
            bundled_for(System::Windows, "aarch64").1,
            ["Unspill.clap", "Unspill.vst3/Contents/arm64-win/Unspill.vst3"]
        );
        assert_eq!(
            bundled_for(System::MacOs, "aarch64").1,
            [
                "Unspill.clap/Contents/Info.plist",
                "Unspill.clap/Contents/MacOS/Unspill",
                "Unspill.clap/Contents/PkgInfo",
                "Unspill.vst3/Contents/Info.plist",
                "Unspill.vst3/Contents/MacOS/Unspill",
                "Unspill.vst3/Contents/PkgInfo"
            ]
        );
    }

    #[test]
    fn a_changed_library_replaces_the_bundled_one() {
        let (folder, _) = bundled_for(System::Linux, "x86_64");
        let library = folder.path().join("library");
        fs::write(&library, "new code").unwrap();
        let product = Product { name: "Unspill", version: "1.2.3", library: &library };
        let bundles = product.bundle(System::Linux, "x86_64", &folder.path().join("out")).unwrap();
        assert_eq!(fs::read(&bundles[1]).unwrap(), b"new code");
    }

    #[test]
    fn the_plist_names_version_and_executable() {
        let (folder, _) = bundled_for(System::MacOs, "aarch64");
        let plist =
            fs::read_to_string(folder.path().join("out/Unspill.clap/Contents/Info.plist")).unwrap();
        assert!(plist.contains("<key>CFBundleVersion</key>\n  <string>1.2.3</string>"));
        assert!(plist.contains("<string>audio.unspill.clap</string>"));
    }
}

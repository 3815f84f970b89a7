//! A plugin folder that comes and goes with its test.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

pub(in crate::plugin) struct Folder(TempDir);

impl Folder {
    pub(in crate::plugin) fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            folder.put(name, bytes);
        }
        folder
    }

    pub(in crate::plugin) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(in crate::plugin) fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub(in crate::plugin) fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    pub(in crate::plugin) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path().join(from), self.path().join(to)).unwrap();
    }
}

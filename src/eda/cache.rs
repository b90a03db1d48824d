//! What tools made before: found by the hash of all that it was made from.
//!
//! An entry is one file that ends with the hash of what stands before. It appears under its name
//! at once and never changes, so whoever loads it has all of it; one whose hash is wrong counts as
//! not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fmt};

use sha2::{Digest as _, Sha256};

use super::ToolError;

/// How many bytes the files of one kind may take, and how many sets of runtime objects there may be.
const LIMIT: u64 = 512 << 20;
const RUNTIMES: usize = 6;

/// Nobody waits that long between looking at a file and loading it.
const IN_USE: Duration = Duration::from_secs(60);

/// How many builds can be told apart that run at the same time.
const LOCKS: u8 = 64;

/// A SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

pub(crate) struct DigestBuilder(Sha256);

impl Digest {
    pub fn builder() -> DigestBuilder {
        DigestBuilder(Sha256::new())
    }

    fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }
}

impl DigestBuilder {
    /// One more part; its length counts, so that parts do not run into each other.
    pub fn add(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A folder of built simulations and of what tools found out.
///
/// Any number of threads and processes may share it. Either is kept below half a gigabyte: what
/// was not used for longest goes first.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
}

impl Cache {
    /// The user's cache: `LACUNA_CACHE`, or `lacuna` in the platform's folder for caches.
    ///
    /// # Errors
    /// [`ToolError::Files`] if the platform has none.
    pub fn user() -> Result<Cache, ToolError> {
        let named = env::var_os("LACUNA_CACHE").filter(|path| !path.is_empty());
        let folder = named.map(PathBuf::from);
        let folder = folder.or_else(|| Some(dirs::cache_dir()?.join("lacuna")));
        folder.map(Cache::at).ok_or_else(|| ToolError::Files {
            what: "there is no folder for caches; set LACUNA_CACHE".to_string(),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    /// The cache in a folder, which is made when something is built.
    pub fn at(folder: impl Into<PathBuf>) -> Cache {
        Cache { folder: folder.into(), limit: LIMIT }
    }

    /// The same folder with another limit, in bytes of each kind of file.
    pub fn with_limit(self, bytes: u64) -> Cache {
        Cache { limit: bytes, ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The library of a key, if there is a sound one. `build` makes it otherwise, and nobody else
    /// does so meanwhile.
    pub(crate) fn library(
        &self,
        key: Digest,
        build: impl FnOnce() -> Result<Vec<u8>, ToolError>,
    ) -> Result<PathBuf, ToolError> {
        self.file("libraries", &format!("{key}.so"), key, build)
    }

    /// What tools found out about what has this key, if it is known; `work` finds out otherwise,
    /// and nobody else does so meanwhile.
    ///
    /// The key is the hash of everything that the result depends on: the kind of work, its input,
    /// what the tools are told, and their versions.
    pub(crate) fn result(
        &self,
        key: Digest,
        work: impl FnOnce() -> Result<Vec<u8>, ToolError>,
    ) -> Result<Vec<u8>, ToolError> {
        let path = self.file("results", &key.to_string(), key, work)?;
        self.read(&path)
    }

    /// The result of a key, if it is known.
    pub(crate) fn known(&self, key: Digest) -> Result<Option<Vec<u8>>, ToolError> {
        let path = self.folder.join("results").join(key.to_string());
        match is_sound(&path) {
            true => self.read(&path).map(Some),
            false => Ok(None),
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, ToolError> {
        let mut bytes = self.files("read", || fs::read(path))?;
        bytes.truncate(bytes.len() - size_of::<Digest>());
        Ok(bytes)
    }

    /// The file of a key, in the folder of its kind.
    fn file(
        &self,
        kind: &str,
        name: &str,
        key: Digest,
        build: impl FnOnce() -> Result<Vec<u8>, ToolError>,
    ) -> Result<PathBuf, ToolError> {
        let folder = self.folder.join(kind);
        let path = folder.join(name);
        if is_sound(&path) {
            return Ok(path);
        }
        let _lock = self.lock(kind, key)?;
        if is_sound(&path) {
            return Ok(path);
        }
        let mut bytes = build()?;
        bytes.extend_from_slice(Digest::of(&bytes).as_ref());
        self.files("write to", || {
            fs::create_dir_all(&folder)?;
            let mut file = tempfile::Builder::new().prefix("new-").tempfile_in(&folder)?;
            file.write_all(&bytes)?;
            file.persist(&path)?;
            self.shrink(&folder, &path)
        })?;
        Ok(path)
    }

    /// The folder of a key's runtime objects, if it is as it was made; `build` fills a new one
    /// otherwise.
    pub(crate) fn runtime(
        &self,
        key: Digest,
        build: impl FnOnce(&Path) -> Result<(), ToolError>,
    ) -> Result<PathBuf, ToolError> {
        let path = self.runtimes().join(key.to_string());
        if is_whole(&path) {
            return Ok(path);
        }
        let _lock = self.lock("runtimes", key)?;
        if is_whole(&path) {
            return Ok(path);
        }
        let mut folder = self.files("make a folder in", || {
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(self.runtimes())?;
            self.forget_runtimes()?;
            tempfile::Builder::new().prefix("new-").tempdir_in(self.runtimes())
        })?;
        build(folder.path()).inspect_err(|error| {
            // There is something to look at.
            folder.disable_cleanup(matches!(error, ToolError::Failed { .. }));
        })?;
        self.files("write runtime objects to", || {
            fs::write(folder.path().join(CONTENT), content(folder.path())?)?;
            fs::rename(folder.keep(), &path)
        })?;
        Ok(path)
    }

    fn runtimes(&self) -> PathBuf {
        self.folder.join("runtimes")
    }

    /// Waits until nobody else, here or in another process, builds what has this key. Lock files
    /// stay for ever, so there are only so many.
    fn lock(&self, what: &str, key: Digest) -> Result<File, ToolError> {
        self.files("lock", || {
            let folder = self.folder.join("locks");
            fs::create_dir_all(&folder)?;
            let path = folder.join(format!("{what}-{}", key.0[0] % LOCKS));
            let file = File::options().create(true).append(true).open(path)?;
            file.lock()?;
            Ok(file)
        })
    }

    /// Removes the files of a folder that were not used for longest until the rest fits, but `new`
    /// and those that may be about to be loaded. One that is loaded lives on without its name.
    fn shrink(&self, folder: &Path, new: &Path) -> io::Result<()> {
        let mut entries = by_age(folder)?;
        let mut size: u64 = entries.iter().map(|entry| entry.size).sum();
        let long_ago = SystemTime::now() - IN_USE;
        entries.retain(|entry| entry.path != new && entry.used < long_ago);
        for entry in entries {
            if size <= self.limit {
                break;
            }
            // Another process may have been faster.
            let _ = fs::remove_file(entry.path);
            size -= entry.size;
        }
        Ok(())
    }

    /// Leaves room for one more set of runtime objects. One that somebody builds with stays.
    fn forget_runtimes(&self) -> io::Result<()> {
        let entries = by_age(&self.runtimes())?;
        let long_ago = SystemTime::now() - 10 * IN_USE;
        let surplus = (entries.len() + 1).saturating_sub(RUNTIMES);
        for entry in entries.iter().filter(|entry| entry.used < long_ago).take(surplus) {
            let _ = fs::remove_dir_all(&entry.path);
        }
        Ok(())
    }

    fn files<T>(&self, what: &str, work: impl FnOnce() -> io::Result<T>) -> Result<T, ToolError> {
        work().map_err(|source| ToolError::Files {
            what: format!(
                "cannot {what} the cache {} (LACUNA_CACHE names another folder)",
                self.folder.display()
            ),
            source,
        })
    }
}

/// Whether a file is there and whole. Then it has been used now.
fn is_sound(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path) else { return false };
    let Some((content, sum)) = bytes.split_last_chunk::<32>() else { return false };
    Digest::of(content).0 == *sum && touch(path).is_ok()
}

fn touch(path: &Path) -> io::Result<()> {
    File::options().append(true).open(path)?.set_modified(SystemTime::now())
}

/// The file in a folder of runtime objects that says what else is there.
const CONTENT: &str = "content";

/// Larger files are known by their length: hashing a precompiled header would take longer than it
/// saves, and the compiler does not take a damaged one.
const HASHED: u64 = 16 << 20;

/// Whether a folder of runtime objects holds what it did in the beginning. Then it has been used
/// now.
fn is_whole(folder: &Path) -> bool {
    let path = folder.join(CONTENT);
    let Ok(expected) = fs::read_to_string(&path) else { return false };
    content(folder).is_ok_and(|found| found == expected) && touch(&path).is_ok()
}

/// Names, lengths and hashes of the files in a folder.
fn content(folder: &Path) -> io::Result<String> {
    let mut lines = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let size = path.metadata()?.len();
        if name == CONTENT {
        } else if size > HASHED {
            lines.push(format!("{name} {size}\n"));
        } else {
            lines.push(format!("{name} {size} {}\n", Digest::of(&fs::read(&path)?)));
        }
    }
    lines.sort();
    Ok(lines.concat())
}

struct Entry {
    path: PathBuf,
    used: SystemTime,
    size: u64,
}

/// What a folder holds, oldest first.
fn by_age(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // Whoever is gone since is not there.
        let Ok(data) = path.metadata() else { continue };
        let marked = fs::metadata(path.join(CONTENT)).and_then(|data| data.modified());
        let used = marked.or_else(|_| data.modified())?;
        entries.push(Entry { path, used, size: data.len() });
    }
    entries.sort_by_key(|entry| entry.used);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A cache in a folder that goes with the test.
    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache"));
        (folder, cache)
    }

    fn key(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    /// As if a file had been used last so long ago.
    fn age(path: &Path, minutes: u64) {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60 * minutes)).unwrap();
    }

    #[test]
    fn parts_of_a_key_do_not_run_into_each_other() {
        let of = |parts: &[&str]| {
            let mut key = Digest::builder();
            parts.iter().for_each(|part| key.add(part));
            key.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(key("").to_string().len(), 64);
    }

    #[test]
    fn one_builds_and_the_others_wait() {
        let (_folder, cache) = cache();
        let builds = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let build = || {
                        builds.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(20));
                        Ok(b"library".to_vec())
                    };
                    let path = cache.library(key("a"), build).unwrap();
                    assert!(fs::read(path).unwrap().starts_with(b"library"));
                });
            }
        });
        assert_eq!(builds.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_was_found_out_is_known() {
        let (_folder, cache) = cache();
        let find = || cache.result(key("a"), || Ok(b"found".to_vec())).unwrap();
        assert_eq!(find(), b"found");
        let known = || panic!("it is known");
        assert_eq!(cache.result(key("a"), known).unwrap(), b"found");
        // Another kind of file has other names.
        let library = cache.library(key("a"), || Ok(vec![])).unwrap();
        assert!(fs::read(library).unwrap().starts_with(Digest::of(b"").as_ref()));
        let path = cache.folder().join("results").join(key("a").to_string());
        fs::write(&path, "damaged").unwrap();
        assert_eq!(find(), b"found");
    }

    #[test]
    fn a_build_that_fails_leaves_nothing() {
        let (_folder, cache) = cache();
        let fail = || Err(super::super::VERILATOR.missing());
        assert!(cache.library(key("a"), fail).is_err());
        assert!(cache.library(key("a"), || Ok(b"library".to_vec())).is_ok());
        assert!(cache.runtime(key("a"), |_| Err(super::super::VERILATOR.missing())).is_err());
        let write = |folder: &Path| {
            fs::write(folder.join("object"), "content").unwrap();
            Ok(())
        };
        let path = cache.runtime(key("a"), write).unwrap();
        assert_eq!(cache.runtime(key("a"), |_| panic!("it is there")).unwrap(), path);
        fs::write(path.join("object"), "contend").unwrap();
        assert_eq!(cache.runtime(key("a"), write).unwrap(), path);
        assert_eq!(fs::read(path.join("object")).unwrap(), b"content");
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let (_folder, cache) = cache();
        let cache = cache.with_limit(500);
        let add = |name: &str| cache.library(key(name), || Ok(vec![0; 168])).unwrap();
        let [old, older, used] = ["old", "older", "used"].map(add);
        // All are young, so all stay.
        assert!(older.exists());
        age(&old, 10);
        age(&older, 20);
        age(&used, 30);
        assert_eq!(add("used"), used);
        let new = add("new");
        assert_eq!(
            [&old, &older, &used, &new].map(|path| path.exists()),
            [false, false, true, true]
        );
    }

    #[test]
    fn few_runtimes_are_kept() {
        let (_folder, cache) = cache();
        let paths: Vec<PathBuf> = (0..RUNTIMES + 2)
            .map(|number| {
                let path = cache.runtime(key(&number.to_string()), |_| Ok(())).unwrap();
                age(&path.join(CONTENT), 100 - number as u64);
                path
            })
            .collect();
        assert_eq!(paths.iter().filter(|path| path.exists()).count(), RUNTIMES);
        assert!(!paths[0].exists() && !paths[1].exists());
    }
}

//! Tests of segments within one process.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use tempfile::TempDir;

use super::*;

const SHAPE: Shape = Shape { longs: 5, samples: 3000 };

fn folder() -> (TempDir, Folder) {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::at(&parent.path().join("link")).unwrap();
    (parent, folder)
}

fn path_of(folder: &Folder, id: SegmentId) -> PathBuf {
    folder.join(Name::new(id, Stage::Complete))
}

/// Writes a complete segment without owner.
fn without_owner(folder: &Folder, id: u128) -> (SegmentId, PathBuf) {
    let id = SegmentId(id);
    let path = path_of(folder, id);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut bytes = header::bytes(SHAPE);
    bytes.resize(SHAPE.layout().unwrap().bytes, 0);
    options.open(&path).unwrap().write_all(&bytes).unwrap();
    (id, path)
}

#[test]
fn readers_see_the_owners_values() {
    let (_parent, folder) = folder();
    let owner = Segment::create(&folder, SHAPE).unwrap();
    assert_eq!((owner.longs().len(), owner.samples().len()), (5, 3000));
    assert!(owner.longs().iter().all(|long| long.load(Ordering::Relaxed) == 0));
    assert!(owner.samples().iter().all(|sample| sample.load(Ordering::Relaxed) == 0));
    let view = SegmentView::open(&folder, owner.id(), SHAPE).unwrap();
    let in_process = owner.memory().view();
    assert_eq!((view.id(), view.longs().len(), view.samples().len()), (owner.id(), 5, 3000));
    for (value, long) in (100_u64..).zip(owner.longs()) {
        long.store(value, Ordering::Relaxed);
    }
    for (value, sample) in (200_u32..).zip(owner.samples()) {
        sample.store(value, Ordering::Relaxed);
    }
    for memory in [view.memory(), &in_process] {
        assert!((100..).zip(memory.longs()).all(|(value, long)| long.load() == value));
        assert!((200..).zip(memory.samples()).all(|(value, sample)| sample.load() == value));
    }
    // The header survived, so the values are beside it.
    SegmentView::open(&folder, owner.id(), SHAPE).unwrap();
}

#[test]
fn an_owner_is_present_until_it_leaves() {
    let (_parent, folder) = folder();
    let owner = Segment::create(&folder, SHAPE).unwrap();
    let others = Segment::create(&folder, SHAPE).unwrap();
    let mut ids = [owner.id(), others.id()];
    ids.sort_unstable();
    assert_eq!(folder.list().unwrap(), ids);

    let views = [(); 2].map(|()| SegmentView::open(&folder, owner.id(), SHAPE).unwrap());
    owner.samples()[2999].store(7, Ordering::Relaxed);
    assert_eq!(views.each_ref().map(SegmentView::owner), [Owner::Present; 2]);
    assert_eq!(reclaim(&folder), 0);
    assert!(owner.is_listed());

    let (id, memory) = (owner.id(), owner.memory().clone());
    drop(owner);
    assert_eq!(folder.list().unwrap(), [others.id()]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(views.each_ref().map(SegmentView::owner), [Owner::Left; 2]);
    assert_eq!(views[0].samples()[2999].load(), 7);
    assert!(matches!(
        SegmentView::open(&folder, id, SHAPE),
        Err(LinkError::Missing { path }) if path == path_of(&folder, id)
    ));
    // A handle to the values outlives the owner.
    memory.samples()[2999].store(8, Ordering::Relaxed);
    assert_eq!(views[0].samples()[2999].load(), 8);
}

#[test]
fn a_removed_file_leaves_its_owner_present_but_not_listed() {
    let (_parent, folder) = folder();
    let owner = Segment::create(&folder, SHAPE).unwrap();
    let view = SegmentView::open(&folder, owner.id(), SHAPE).unwrap();
    fs::remove_file(path_of(&folder, owner.id())).unwrap();
    assert!(!owner.is_listed());
    assert_eq!(view.owner(), Owner::Present);
    drop(owner);
    assert_eq!(view.owner(), Owner::Left);
}

#[test]
fn a_segment_without_lock_is_of_a_dead_owner_and_is_reclaimed() {
    let (_parent, folder) = folder();
    let owner = Segment::create(&folder, SHAPE).unwrap();
    let (id, path) = without_owner(&folder, 1);
    let view = SegmentView::open(&folder, id, SHAPE).unwrap();
    assert_eq!([view.owner(), view.owner()], [Owner::Died; 2]);
    // The tests left no lock.
    let other = File::open(&path).unwrap();
    other.try_lock().unwrap();
    other.unlock().unwrap();
    // The lock of another reader's test, or of another process that reclaims.
    other.try_lock_shared().unwrap();
    assert_eq!(view.owner(), Owner::Died);
    assert_eq!(reclaim(&folder), 1);
    assert!(!path.exists());
    assert_eq!(view.owner(), Owner::Died);
    assert_eq!(folder.list().unwrap(), [owner.id()]);
}

/// A child process has the open file between its start and its own program.
#[test]
fn an_owner_that_leaves_is_unlocked_although_a_child_has_the_open_file() {
    let (_parent, folder) = folder();
    let owner = Segment::create(&folder, SHAPE).unwrap();
    let path = path_of(&folder, owner.id());
    let (inherited, copy) = (owner.file.file.try_clone().unwrap(), folder.path().join("copy"));
    // The file survives under another name, as on a system that cannot remove it.
    fs::hard_link(&path, &copy).unwrap();
    drop(owner);
    fs::rename(&copy, &path).unwrap();
    assert_eq!(reclaim(&folder), 1);
    drop(inherited);
}

#[test]
fn a_new_file_that_another_process_reclaims_is_given_up() {
    let (_parent, folder) = folder();
    let path = folder.path().join("new");
    let create = || File::create_new(&path).unwrap();
    let file = create();
    let reclaimer = File::open(&path).unwrap();
    reclaimer.try_lock_shared().unwrap();
    assert!(OwnedFile::lock(file, path.clone()).unwrap().is_none());
    drop(reclaimer);
    // The reclaimer removes the file, here before the lock.
    fs::remove_file(&path).unwrap();
    let file = create();
    fs::remove_file(&path).unwrap();
    assert!(OwnedFile::lock(file, path.clone()).unwrap().is_none());
    let owned = OwnedFile::lock(create(), path.clone()).unwrap().unwrap();
    assert!(File::open(&path).unwrap().try_lock_shared().is_err());
    drop(owned);
    assert!(!path.exists());
}

#[test]
fn leftovers_of_any_format_go_and_other_files_stay() {
    let (_parent, folder) = folder();
    let owner = Segment::create(&folder, SHAPE).unwrap();
    let partial = OwnedFile::create(&folder).unwrap().1;
    let digits = SegmentId(3).to_string();
    for name in ["unspill-7-{}.link", "unspill-2-{}.part", "unspill-2-{}.link"] {
        fs::write(folder.path().join(name.replace("{}", &digits)), "x").unwrap();
    }
    let foreign = ["unspill-2-3.link", "unspill-2-{}.tmp", "notes", ".link"];
    for name in foreign {
        fs::write(folder.path().join(name.replace("{}", &digits)), "x").unwrap();
    }
    fs::create_dir(path_of(&folder, SegmentId(9))).unwrap();
    let mut ids = [SegmentId(3), SegmentId(9), owner.id()];
    ids.sort_unstable();
    assert_eq!(folder.list().unwrap(), ids);
    assert_eq!(reclaim(&folder), 3);
    assert_eq!(reclaim(&folder), 0);
    // The owner, the partial file, the folder and four foreign files.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3 + foreign.len());
    assert!(partial.path.exists() && owner.is_listed());
    drop((owner, partial));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1 + foreign.len());
}

#[test]
fn a_file_is_refused_unless_all_of_the_header_fits() {
    let (_parent, folder) = folder();
    let (id, path) = without_owner(&folder, 2);
    let good = fs::read(&path).unwrap();
    let open = |index: usize, value: u64| {
        let mut bytes = good.clone();
        bytes[index * 8..][..8].copy_from_slice(&value.to_ne_bytes());
        fs::write(&path, bytes).unwrap();
        SegmentView::open(&folder, id, SHAPE)
    };
    assert!(open(7, 0).is_ok());
    assert!(matches!(open(0, 0), Err(LinkError::IsNoSegment { .. })));
    assert!(matches!(open(1, 3), Err(LinkError::OtherFormat { actual: 3, expected: 2, .. })));
    assert!(matches!(open(2, 6), Err(LinkError::OtherShape { longs: 6, .. })));
    assert!(matches!(open(3, 1 << 40), Err(LinkError::OtherShape { .. })));
    // The state is no part of the check.
    assert_eq!(open(4, header::LEFT).unwrap().owner(), Owner::Left);
    assert_eq!(open(4, 77).unwrap().owner(), Owner::Died);

    for bytes in [&good[..good.len() - 1], &[&good[..], b"x"].concat(), &[]] {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(
            SegmentView::open(&folder, id, SHAPE),
            Err(LinkError::OtherLength { actual_bytes, .. }) if actual_bytes == bytes.len() as u64
        ));
    }
    // Same length, but the reader expects the values elsewhere.
    fs::write(&path, &good).unwrap();
    let other = Shape { longs: 6, samples: 3000 };
    assert_eq!(other.layout().unwrap().bytes, good.len());
    assert!(matches!(
        SegmentView::open(&folder, id, other),
        Err(LinkError::OtherShape { longs: 5, expected, .. }) if expected == other
    ));
}

#[test]
fn a_segment_of_another_format_is_not_listed() {
    let (_parent, folder) = folder();
    let name = Name { format: FORMAT + 1, ..Name::new(SegmentId(4), Stage::Complete) };
    fs::write(folder.join(name), "x").unwrap();
    fs::write(folder.join(Name::new(SegmentId(5), Stage::Partial)), "x").unwrap();
    assert_eq!(folder.list().unwrap(), []);
}

#[test]
fn a_shape_above_the_limit_is_refused() {
    let (_parent, folder) = folder();
    let shape = Shape { longs: 0, samples: shape::MAX_BYTES / 4 };
    assert!(matches!(Segment::create(&folder, shape), Err(LinkError::TooLarge { .. })));
    let result = SegmentView::open(&folder, SegmentId(1), shape);
    assert!(matches!(result, Err(LinkError::TooLarge { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_empty_shape_is_a_segment_too() {
    let (_parent, folder) = folder();
    let shape = Shape { longs: 0, samples: 0 };
    let owner = Segment::create(&folder, shape).unwrap();
    let view = SegmentView::open(&folder, owner.id(), shape).unwrap();
    assert!(view.longs().is_empty() && view.samples().is_empty());
    assert_eq!(view.owner(), Owner::Present);
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("file");
    fs::write(&path, "x").unwrap();
    assert!(matches!(Folder::at(&path), Err(LinkError::IsNoFolder { .. })));
    assert!(matches!(Folder::at(&path.join("link")), Err(LinkError::Io { .. })));
    assert!(matches!(Folder::at(Path::new("no/such/parent")), Err(LinkError::Io { .. })));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_was_removed_gives_errors_and_can_be_opened_again() {
        let (_parent, folder) = folder();
        let owner = Segment::create(&folder, SHAPE).unwrap();
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(!owner.is_listed());
        assert!(folder.list().is_err());
        assert_eq!(folder.modified(), None);
        assert_eq!(reclaim(&folder), 0);
        assert!(matches!(Segment::create(&folder, SHAPE), Err(LinkError::Io { .. })));
        assert_eq!(Folder::at(folder.path()).unwrap(), folder);
        Segment::create(&folder, SHAPE).unwrap();
        drop(owner);
    }

    #[test]
    fn folder_and_file_are_closed_to_others() {
        let (_parent, folder) = folder();
        let owner = Segment::create(&folder, SHAPE).unwrap();
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&path_of(&folder, owner.id())), 0o600);
    }

    /// A sparse file would end the owner by a signal if the memory is full at a later store.
    #[cfg(target_os = "linux")]
    #[test]
    fn memory_for_the_whole_file_is_allocated() {
        let folder_in_memory = tempfile::tempdir_in("/dev/shm").unwrap();
        let folder = Folder::at(&folder_in_memory.path().join("link")).unwrap();
        let owner = Segment::create(&folder, Shape { longs: 0, samples: 1 << 20 }).unwrap();
        let metadata = fs::metadata(path_of(&folder, owner.id())).unwrap();
        assert!(metadata.blocks() * 512 >= metadata.len(), "{} blocks", metadata.blocks());
    }

    #[test]
    fn a_folder_open_to_others_is_refused() {
        let (_parent, folder) = folder();
        for bits in [0o001, 0o002, 0o004, 0o010, 0o020, 0o040] {
            set_mode(folder.path(), 0o700 | bits);
            let error = Folder::at(folder.path()).unwrap_err();
            assert!(
                matches!(error, LinkError::OpenToOthers { mode, .. } if mode == 0o700 | bits),
                "{error}"
            );
        }
        set_mode(folder.path(), 0o700);
        Folder::at(folder.path()).unwrap();
    }

    #[test]
    fn a_link_to_a_folder_is_refused() {
        let (parent, folder) = folder();
        let link = parent.path().join("other");
        for target in [folder.path(), Path::new("missing")] {
            symlink(target, &link).unwrap();
            assert!(matches!(Folder::at(&link), Err(LinkError::IsNoFolder { .. })));
            fs::remove_file(&link).unwrap();
        }
    }

    #[test]
    fn links_pipes_and_folders_are_no_segments() {
        let (_parent, folder) = folder();
        let owner = Segment::create(&folder, SHAPE).unwrap();
        let path = path_of(&folder, SegmentId(6));
        let is_refused = || {
            let result = SegmentView::open(&folder, SegmentId(6), SHAPE);
            assert!(matches!(result, Err(LinkError::IsNoFile { .. })), "{result:?}");
            assert_eq!(reclaim(&folder), 0);
        };
        symlink(path_of(&folder, owner.id()), &path).unwrap();
        is_refused();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        is_refused();
        fs::remove_dir(&path).unwrap();
        // Opening must not wait for a writer of the pipe.
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        is_refused();
    }

    #[test]
    fn a_segment_open_to_others_is_refused() {
        let (_parent, folder) = folder();
        let owner = Segment::create(&folder, SHAPE).unwrap();
        let path = path_of(&folder, owner.id());
        for bits in [0o001, 0o002, 0o004, 0o010, 0o020, 0o040] {
            set_mode(&path, 0o600 | bits);
            let result = SegmentView::open(&folder, owner.id(), SHAPE);
            assert!(matches!(result, Err(LinkError::OpenToOthers { .. })), "{bits:o}");
        }
        set_mode(&path, 0o600);
        SegmentView::open(&folder, owner.id(), SHAPE).unwrap();
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn the_run_time_folder_serves_only_where_the_shared_one_is_missing() {
        let parent = tempfile::tempdir().unwrap();
        let (shared, run_time) = (parent.path().join("shm"), parent.path().join("run"));
        for path in [&shared, &run_time] {
            fs::create_dir(path).unwrap();
            set_mode(path, 0o700);
        }
        let first = Folder::first_usable(&shared, Some(&run_time)).unwrap();
        assert_eq!(first, Folder::first_usable(&shared, None).unwrap());
        let name = first.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(first.path().parent(), Some(&*shared));
        assert_eq!(name, format!("unspill-link-{}", fs::metadata(&run_time).unwrap().uid()));

        // A folder that others could have put there is an error, not a reason to go elsewhere.
        set_mode(first.path(), 0o755);
        let result = Folder::first_usable(&shared, Some(&run_time));
        assert!(matches!(result, Err(LinkError::OpenToOthers { .. })));

        let missing = parent.path().join("missing");
        let second = Folder::first_usable(&missing, Some(&run_time)).unwrap();
        assert_eq!(second.path(), run_time.join("unspill-link"));
        assert!(matches!(Folder::first_usable(&missing, None), Err(LinkError::Io { .. })));
        set_mode(&run_time, 0o777);
        let result = Folder::first_usable(&missing, Some(&run_time));
        assert!(matches!(result, Err(LinkError::OpenToOthers { .. })));
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn the_users_folder_is_in_shared_memory() {
        let folder = Folder::of_user().unwrap();
        assert_eq!(folder.path().parent(), Some(Path::new("/dev/shm")));
        assert_eq!(folder, Folder::of_user().unwrap());
    }
}

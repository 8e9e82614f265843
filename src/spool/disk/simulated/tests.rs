use super::*;

fn write(file: &dyn DiskFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_at(&[IoSlice::new(bytes)], offset)
}

fn directory() -> (SimulatedDisk, PathBuf) {
    let disk = SimulatedDisk::new(1);
    disk.create_directory(Path::new("/d")).unwrap();
    (disk, PathBuf::from("/d/file"))
}

/// What a file may be after a crash, over many of them; `None`: it is not there.
fn after_crashes(disk: &SimulatedDisk, path: &Path) -> BTreeSet<Option<Vec<u8>>> {
    (0..200).map(|seed| disk.crash(seed).bytes(path)).collect()
}

#[test]
fn what_was_synced_is_kept_and_what_was_not_may_be_lost_by_the_sector() {
    let (disk, path) = directory();
    let file = disk.create(&path, 2 * 512).unwrap();
    file.sync().unwrap();
    disk.sync_directory(Path::new("/d")).unwrap();
    assert_eq!(after_crashes(&disk, &path), BTreeSet::from([Some(vec![0; 1024])]));
    write(file.as_ref(), &[7; 1024], 0).unwrap();
    let halves = |one: u8, two: u8| Some([[one; 512], [two; 512]].concat());
    assert_eq!(after_crashes(&disk, &path), BTreeSet::from([halves(0, 0), halves(0, 7), halves(7, 0), halves(7, 7)]));
    file.sync().unwrap();
    assert_eq!(after_crashes(&disk, &path), BTreeSet::from([halves(7, 7)]));
}

#[test]
fn names_are_lost_or_kept_until_their_directory_is_synced() {
    let (disk, path) = directory();
    disk.create(&path, 0).unwrap();
    assert_eq!(after_crashes(&disk, &path), BTreeSet::from([None, Some(vec![])]));
    disk.sync_directory(Path::new("/d")).unwrap();
    assert_eq!(after_crashes(&disk, &path), BTreeSet::from([Some(vec![])]));
    let to = Path::new("/d/other");
    disk.rename(&path, to).unwrap();
    for seed in 0..100 {
        let disk = disk.crash(seed);
        assert!(disk.bytes(&path).is_some() != disk.bytes(to).is_some(), "a rename is whole");
    }
    disk.remove(to).unwrap();
    disk.sync_directory(Path::new("/d")).unwrap();
    assert_eq!(after_crashes(&disk, to), BTreeSet::from([None]));
}

#[test]
fn a_failed_sync_forgets_and_the_next_one_succeeds() {
    let (disk, path) = directory();
    let file = disk.create(&path, 512).unwrap();
    file.sync().unwrap();
    disk.sync_directory(Path::new("/d")).unwrap();
    let mut outcomes = BTreeSet::new();
    for _ in 0..50 {
        write(file.as_ref(), &[0; 512], 0).unwrap();
        file.sync().unwrap();
        write(file.as_ref(), &[7; 512], 0).unwrap();
        disk.plan(Fault { after: 0, call: Some(Call::Sync), kind: io::ErrorKind::Other });
        file.sync().unwrap_err();
        file.sync().unwrap();
        outcomes.extend(after_crashes(&disk, &path));
    }
    assert_eq!(outcomes, BTreeSet::from([Some(vec![0; 512]), Some(vec![7; 512])]));
}

#[test]
fn calls_fail_as_planned_and_a_full_disk_is_full() {
    let (disk, path) = directory();
    disk.plan(Fault { after: 1, call: None, kind: io::ErrorKind::PermissionDenied });
    let file = disk.create(&path, 100).unwrap();
    assert_eq!(write(file.as_ref(), b"x", 0).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    write(file.as_ref(), b"x", 0).unwrap();
    disk.set_capacity(150);
    assert_eq!(disk.create(Path::new("/d/b"), 51).unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.create(Path::new("/d/b"), 50).unwrap();
}

#[test]
fn nothing_happens_when_the_power_is_off() {
    let (disk, path) = directory();
    let file = disk.create(&path, 100).unwrap();
    disk.cut_power(1);
    write(file.as_ref(), b"a", 0).unwrap();
    file.sync().unwrap_err();
    assert!(disk.is_off());
    let before = disk.bytes(&path);
    write(file.as_ref(), b"bbbb", 0).unwrap_err();
    disk.remove(&path).unwrap_err();
    assert_eq!(disk.bytes(&path), before);
}

//! Laws of the collection, and what it leaves when it is killed.

mod disk;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use self::disk::Disk;
use super::*;
use crate::media_type::{OCI_INDEX, OCI_MANIFEST};

const AGES: Ages = Ages { unused: Duration::from_hours(24), unfinished: Duration::from_hours(1) };
const LONG_AGO: Duration = Duration::from_hours(24 * 30);

/// What is drawn of one manifest. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
struct Drawn {
    repository: usize,
    layers: BTreeSet<usize>,
    /// An index of earlier manifests of the repository, not an image.
    lists: Option<Vec<usize>>,
    /// About an earlier manifest of the repository.
    about: Option<usize>,
    tag: Option<usize>,
    tag_use: Use,
    own_use: Use,
}

/// Why something stays, or that it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Unused,
    Young,
    Kept,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let uses = || prop_oneof![6 => Just(Use::Unused), 1 => Just(Use::Young), 1 => Just(Use::Kept)];
    let lists = prop::option::of(prop::collection::vec(0..8_usize, 1..3));
    let shape = (0..2_usize, prop::collection::btree_set(0..6_usize, 0..4), lists);
    let place = (prop::option::weighted(0.3, 0..8_usize), prop::option::of(0..5_usize));
    (shape, place, uses(), uses()).prop_map(|((repository, layers, lists), (about, tag), tag_use, own_use)| Drawn {
        repository,
        layers,
        lists,
        about,
        tag,
        tag_use,
        own_use,
    })
}

/// A manifest as the law sees it.
#[derive(Default)]
struct Known {
    children: BTreeSet<Digest>,
    blobs: BTreeSet<Digest>,
    subject: Option<Digest>,
    is_root: bool,
}

/// What was made of a drawing: the manifests of each repository, and what is to be kept.
struct Made {
    names: Vec<RepositoryName>,
    known: Vec<BTreeMap<Digest, Known>>,
    kept: Kept,
}

fn make(disk: &Disk, drawing: &[Drawn]) -> Made {
    let names: Vec<RepositoryName> = ["builds/a", "mirror/b"].map(|name| name.parse().unwrap()).into();
    let mut known: Vec<BTreeMap<Digest, Known>> = vec![BTreeMap::new(), BTreeMap::new()];
    let mut tags: BTreeMap<(usize, Tag), Digest> = BTreeMap::new();
    let (mut young, mut kept) = (Vec::new(), Kept::default());
    let mut rooted_tags = BTreeSet::new();
    for (number, drawn) in drawing.iter().enumerate() {
        let (name, here) = (&names[drawn.repository], &mut known[drawn.repository]);
        let earlier: Vec<Digest> = here.keys().cloned().collect();
        let pick = |number: usize| earlier.get(number % earlier.len().max(1)).cloned();
        let descriptor = |digest: &Digest| json!({ "mediaType": OCI_MANIFEST, "digest": digest.to_string(), "size": 1 });
        let children: BTreeSet<Digest> = drawn.lists.iter().flatten().filter_map(|number| pick(*number)).collect();
        let subject = drawn.about.and_then(pick);
        let mut blobs = BTreeSet::new();
        let mut document = if children.is_empty() {
            let mut parts = vec![disk.blob(name, format!("config {number}").as_bytes())];
            parts.extend(drawn.layers.iter().map(|layer| disk.blob(name, format!("layer {layer}").as_bytes())));
            blobs.extend(parts.iter().map(|part| part["digest"].as_str().unwrap().parse::<Digest>().unwrap()));
            json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": parts[0], "layers": parts[1..] })
        } else {
            let parts: Vec<Value> = children.iter().map(descriptor).collect();
            json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": parts, "annotations": { "number": number.to_string() } })
        };
        if let Some(subject) = &subject {
            document["subject"] = descriptor(subject);
        }
        let tag: Option<Tag> = drawn.tag.map(|tag| format!("tag-{tag}").parse().unwrap());
        let digest = disk.manifest(name, &document, tag.as_slice());
        match drawn.own_use {
            Use::Unused => {}
            Use::Young => young.push(disk.storage.layout().manifest_link(name, &digest)),
            Use::Kept => kept.keep_digest(name.clone(), digest.clone()),
        }
        if let Some(tag) = tag {
            match drawn.tag_use {
                Use::Unused => {}
                Use::Young => young.push(disk.storage.layout().tag(name, &tag)),
                Use::Kept => kept.keep_tag(name.clone(), tag.clone()),
            }
            if drawn.tag_use != Use::Unused {
                rooted_tags.insert((drawn.repository, tag.clone()));
            }
            tags.insert((drawn.repository, tag), digest.clone());
        }
        let is_root = drawn.own_use != Use::Unused;
        here.insert(digest, Known { children, blobs, subject, is_root });
    }
    for (place, digest) in tags {
        if rooted_tags.contains(&place) {
            known[place.0].get_mut(&digest).unwrap().is_root = true;
        }
    }
    disk.age_all_but(&young);
    Made { names, known, kept }
}

/// The manifests that must stay, found by going round until nothing changes.
fn must_stay(known: &BTreeMap<Digest, Known>) -> BTreeSet<Digest> {
    let mut staying: BTreeSet<Digest> =
        known.iter().filter(|(_, known)| known.is_root).map(|(digest, _)| digest.clone()).collect();
    loop {
        let listed = staying.iter().flat_map(|digest| known[digest].children.iter().cloned());
        let about = known.iter().filter(|(_, known)| known.subject.as_ref().is_some_and(|subject| staying.contains(subject)));
        let more: BTreeSet<Digest> = listed.chain(about.map(|(digest, _)| digest.clone())).collect();
        let before = staying.len();
        staying.extend(more);
        if staying.len() == before {
            return staying;
        }
    }
}

/// What stays can be pulled whole.
fn assert_whole(disk: &Disk, made: &Made) {
    for (name, known) in made.names.iter().zip(&made.known) {
        for digest in must_stay(known) {
            assert!(disk.is_complete(name, &digest), "{digest} of {name} is needed");
        }
    }
}

/// Few cases, for every one is many files that are flushed to the disk; or a hundredth of what `PROPTEST_CASES` asks for.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases / 100 } else { 0 };
    ProptestConfig { cases: cases.max(48), failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_is_kept_or_young_stays_whole_and_all_else_goes(drawing in prop::collection::vec(drawn(), 0..9)) {
        let disk = Disk::new();
        let made = make(&disk, &drawing);
        disk.collect(&made.kept);
        assert_whole(&disk, &made);
        let mut contents = BTreeSet::new();
        for (name, known) in made.names.iter().zip(&made.known) {
            let staying = must_stay(known);
            for (digest, known) in known {
                let is_there = disk.storage.has_manifest(name, digest).unwrap();
                prop_assert_eq!(is_there, staying.contains(digest), "{} of {}", digest, name);
                if is_there {
                    contents.extend(known.blobs.iter().chain([digest]).map(|digest| digest.hexadecimal().to_owned()));
                }
            }
            for tag in disk.storage.tags(name).unwrap() {
                let target = disk.storage.tag(name, &tag).unwrap();
                prop_assert!(target.is_some_and(|target| staying.contains(&target)), "{} of {}", tag, name);
            }
        }
        prop_assert_eq!(disk.contents(), contents);
        prop_assert!(disk.collect(&made.kept).is_nothing(), "a second collection finds nothing");
    }

    #[test]
    fn a_collection_that_is_killed_at_any_step_leaves_whole_images_and_the_next_one_ends_it(
        drawing in prop::collection::vec(drawn(), 1..5),
        steps in 0..60_usize,
    ) {
        let disk = Disk::new();
        let made = make(&disk, &drawing);
        let left = std::cell::Cell::new(steps);
        let go_on = || left.replace(left.get().saturating_sub(1)) > 0;
        let killed = disk.storage.collect_garbage(&made.kept, AGES, &go_on);
        prop_assert!(killed.is_ok() || killed.is_err_and(|error| error.kind() == io::ErrorKind::Interrupted));
        assert_whole(&disk, &made);
        for (name, known) in made.names.iter().zip(&made.known) {
            for digest in known.keys() {
                // To look at it would make it young.
                let is_there = disk.storage.has_manifest(name, digest).unwrap();
                let children = &known[digest].children;
                prop_assert!(!is_there || children.iter().all(|child| disk.storage.has_manifest(name, child).unwrap()));
            }
            for tag in disk.storage.tags(name).unwrap() {
                let target = disk.storage.tag(name, &tag).unwrap().unwrap();
                prop_assert!(disk.storage.has_manifest(name, &target).unwrap(), "{} points nowhere", tag);
            }
        }
        disk.collect(&made.kept);
        assert_whole(&disk, &made);
        let staying: usize = made.known.iter().map(|known| must_stay(known).len()).sum();
        let there = disk.files("repositories").iter().filter(|path| path.to_str().unwrap().contains("/_manifests/")).count();
        prop_assert_eq!(there, staying);
    }
}

fn image(disk: &Disk, name: &RepositoryName, tag: &str) -> Digest {
    let (config, layer) = (disk.blob(name, tag.as_bytes()), disk.blob(name, b"a layer"));
    let document = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer] });
    disk.manifest(name, &document, &[tag.parse().unwrap()])
}

#[test]
fn what_is_not_kept_any_more_stays_for_its_time() {
    let (disk, name) = (Disk::new(), "a".parse::<RepositoryName>().unwrap());
    let digest = image(&disk, &name, "v1");
    disk.age_all_but(&[]);
    let mut kept = Kept::default();
    kept.keep_tag(name.clone(), "v1".parse().unwrap());
    assert!(disk.collect(&kept).is_nothing());
    assert!(disk.collect(&Kept::default()).is_nothing(), "it was needed a moment ago");
    disk.age_all_but(&[]);
    let freed = disk.collect(&Kept::default());
    assert_eq!((freed.tags, freed.manifests, freed.contents), (1, 1, 3));
    assert!(!disk.storage.has_manifest(&name, &digest).unwrap());
}

#[test]
fn what_somebody_was_told_to_be_there_stays_for_its_time() {
    let (disk, name) = (Disk::new(), "a".parse::<RepositoryName>().unwrap());
    let (by_tag, by_digest) = (image(&disk, &name, "v1"), image(&disk, &name, "v2"));
    let asked = Digest::sha256(b"asked for");
    for content in [b"asked for".as_slice(), b"forgotten"] {
        disk.blob(&name, content);
    }
    disk.age_all_but(&[]);
    assert_eq!(disk.storage.tag_in_use(&name, &"v1".parse().unwrap()).unwrap(), Some(by_tag.clone()));
    assert!(disk.storage.manifest_in_use(&name, &by_digest).unwrap().is_some());
    assert!(disk.storage.open_blob(&name, &asked).unwrap().is_some());
    assert_eq!(disk.collect(&Kept::default()), Freed { contents: 1, bytes: 9, ..Freed::default() });
    assert!(disk.is_complete(&name, &by_tag) && disk.is_complete(&name, &by_digest));
}

#[test]
fn nothing_is_removed_from_a_repository_that_cannot_be_read() {
    let disk = Disk::new();
    let (broken, other): (RepositoryName, RepositoryName) = ("broken".parse().unwrap(), "other".parse().unwrap());
    let digest = image(&disk, &broken, "v1");
    image(&disk, &broken, "v2");
    image(&disk, &other, "v3");
    std::fs::write(disk.storage.layout().blob(&digest), "what is this").unwrap();
    disk.age_all_but(&[]);
    let (before, contents) = (disk.files("repositories/broken"), disk.contents().len());
    let freed = disk.collect(&Kept::default());
    assert_eq!(freed.tags, 1, "that of the other repository");
    assert_eq!(disk.files("repositories/broken"), before);
    assert_eq!(disk.contents().len(), contents - 2, "the layer is needed where nothing is removed");
}
